"""`Job`: one call of a command as data; it is skipped if its output is finished."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid._paths import StrPath, as_path
from patchvid.cli.analogy import analogy
from patchvid.cli.command import rehearsing
from patchvid.cli.gen import gen
from patchvid.cli.inpaint import inpaint
from patchvid.cli.loop import loop
from patchvid.cli.records import Record
from patchvid.cli.retarget import retarget
from patchvid.cli.values import parse_cue
from patchvid.errors import InvalidInput, PatchvidError

if TYPE_CHECKING:
    from patchvid.cli.outputs import Sample

COMMANDS: dict[str, click.Command] = {
    "gen": gen,
    "analogy": analogy,
    "retarget": retarget,
    "inpaint": inpaint,
    "loop": loop,
}

# Options that name files to read and to write, and options that do not change the output.
_FILES = ("style", "mask", "source", "keep", "cue", "layer", "content-flow", "style-flow")
_WRITTEN = ("report", "save-field", "save-structure")
_NO_SETTINGS = ("overwrite", "quiet", "json", "memory")
_ONE_FILE = ("samples", "output", "preview")


@dataclass(frozen=True, init=False)
class Job:
    """One video to make: a call of a command, as data.

    A record beside the output, such as ``new.mp4.json``, holds the settings and the identity of all
    inputs. A job whose output exists with such a record is not run again.

    Parameters
    ----------
    command : {"gen", "analogy", "retarget", "inpaint", "loop"}
        The command.
    clip : str or path
        The clip; for "analogy" the content.
    output : str or path
        The file to write, or the folder.
    options : dict
        Options of the command by their long names, such as ``{"seed": 7, "scale": (1, 1, 1.5),
        "loop": True, "mask": ["a.png", "b.png"]}``. A value is a string as typed on the command
        line, one or more numbers, True for a flag, or a list for a repeatable option. For
        "analogy", "style" is the style. Without "seed", a random one is used.

    Raises
    ------
    InvalidInput
        If the command is unknown, or an option belongs to several files.
    """

    command: str
    clip: Path
    output: Path
    options: Mapping[str, Any] = field(hash=False)

    def __init__(
        self,
        command: str,
        clip: StrPath,
        output: StrPath,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if command not in COMMANDS:
            raise InvalidInput(f"command must be one of {', '.join(COMMANDS)}, got {command!r}")
        options = {name.replace("_", "-"): value for name, value in (options or {}).items()}
        for name in _ONE_FILE:
            if name in options:
                raise InvalidInput(f"a job makes one file, so it takes no {name!r}; leave it out")
        if (command == "analogy") != ("style" in options):
            raise InvalidInput("only analogy takes a 'style', and needs one; give both or neither")
        object.__setattr__(self, "command", command)
        object.__setattr__(self, "clip", as_path(clip))
        object.__setattr__(self, "output", as_path(output))
        object.__setattr__(self, "options", options)

    def run(self) -> "Sample | None":
        """Make the video, unless it is there already.

        Returns
        -------
        Sample or None
            The file, its shape and seed, and its time in seconds; None if it was there.

        Raises
        ------
        PatchvidError
            If the command fails.
        """
        from patchvid import __version__
        from patchvid.io.writing import check_target

        record = Record(self.output, self._settings(), self._inputs())
        if record.is_finished():
            return None
        overwrite = bool(self.options.get("overwrite")) or record.is_begun()
        check_target(self.output, overwrite=overwrite)
        with record.finished_by() as made:
            (sample,) = self._call("--quiet", *["--overwrite"] * overwrite)
            facts = {"seed": sample.seed, "shape": sample.shape, "seconds": sample.seconds}
            made |= {"patchvid": __version__, **facts}
        return sample

    def check(self) -> None:
        """Check the options without reading any file.

        Raises
        ------
        InvalidInput
            If an option is unknown, or the command does not accept its value.
        """
        with rehearsing():
            self._call()

    def words(self) -> list[str]:
        """Return the command line after ``patchvid``, as a list of words."""
        options = {**self.options, "output": self.output}
        named = [word for name in options for word in _as_words(name, options[name])]
        files = [self.clip, *([options["style"]] if self.command == "analogy" else [])]
        return [self.command, *named, "--", *map(os.fspath, files)]

    def absolute(self) -> "Job":
        """Return the job with absolute paths, for workers that run in other folders."""
        options = {
            name: _absolute(name, value) if name in (*_FILES, *_WRITTEN) else value
            for name, value in self.options.items()
        }
        return replace(
            self, clip=self.clip.absolute(), output=self.output.absolute(), options=options
        )

    def _call(self, *flags: str) -> "list[Sample]":
        command = COMMANDS[self.command]
        name, *words = self.words()
        program = click.Context(click.Group("patchvid"), info_name="patchvid")
        try:
            with command.make_context(name, [*flags, *words], program) as ctx:
                return command.invoke(ctx)
        except click.UsageError as error:
            raise InvalidInput(error.format_message()) from None
        except click.ClickException as error:
            raise PatchvidError(error.format_message()) from None

    def _settings(self) -> dict[str, Any]:
        left_out = (*_FILES, *_NO_SETTINGS)
        options = {name: value for name, value in self.options.items() if name not in left_out}
        return {"command": self.command, "options": options}

    def _inputs(self) -> dict[str, Path]:
        inputs = {"clip": self.clip}
        for name in _FILES:
            values = self.options.get(name) or []
            several = values if isinstance(values, (list, tuple)) else [values]
            for n, value in enumerate(several, 1):
                frame, file = _parts(name, value)
                inputs[f"{name} {n}" if frame is None else f"{name} {n} of frame {frame}"] = file
        return inputs


def _as_words(name: str, value: Any) -> list[str]:
    """Write an option and its value as they are typed."""
    if value is None or value is False or name == "style":
        return []
    if value is True:
        return [f"--{name}"]
    if isinstance(value, (list, tuple)):
        if all(isinstance(part, (int, float)) for part in value):
            return [f"--{name}={','.join(map(str, value))}"]
        return [word for part in value for word in _as_words(name, part)]
    return [f"--{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}"]


def _absolute(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return [_absolute(name, part) for part in value]
    frame, file = _parts(name, value)
    return file.absolute() if frame is None else f"{frame}={file.absolute()}"


def _parts(name: str, value: StrPath) -> tuple[int | None, Path]:
    """The frame, if a cue names one, and the file of an option."""
    return parse_cue(os.fspath(value)) if name == "cue" else (None, Path(value))
