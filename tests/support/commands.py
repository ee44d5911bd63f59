"""Calls of the command line from tests."""

from pathlib import Path

from click.testing import CliRunner, Result

from patchvid.cli.main import main


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def succeed(*args: object) -> list[str]:
    """Run a command that must succeed, and return the lines that it prints."""
    result = run(*args)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""  # no terminal, so no progress
    return result.stdout.splitlines()


def fail(*args: object, exit_code: int = 1) -> str:
    """Run a command that must fail and leave no file behind, and return its message."""
    before = sorted(Path().rglob("*"))
    result = run(*args)
    assert result.exit_code == exit_code, result.output
    assert isinstance(result.exception, SystemExit)  # not a traceback
    assert result.stdout == ""
    assert sorted(Path().rglob("*")) == before
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("Error: ")
    if exit_code == 1:
        assert len(lines) == 1
    return lines[-1]
