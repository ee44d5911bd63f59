"""Write ``docs/cli.md`` from the help of the commands: ``python docs/make_cli.py``."""

from pathlib import Path

import click

from patchvid.cli.main import main as group

TARGET = Path(__file__).with_name("cli.md")
WIDTH = 80

INTRODUCTION = """\
# Command line

This page is made from `--help` by `python docs/make_cli.py`.

Results are printed on stdout; how far work has come, and errors, on stderr. The exit code is 0, or
1 where a command has failed, 2 where it has been called wrongly, and 130 after Ctrl-C.

## Output

Every video is written as soon as it is made, under its name only when it is complete; what exists
is replaced only with `--overwrite`. A line is printed for each: its file, its size in frames,
height and width, its seed and the time it took.

- `--json` prints one JSON document instead when all is done: of the commands that make videos,
  `files` (each with `file`, `shape`, `seed` and `seconds`), `report`, and the `command` line that
  makes them again.
- `-o -` writes no video, where a `--report` or the times in `--json` are all that is wanted. It
  does not mean stdout: videos are not written there.
- `--report FILE.html` writes a page that holds everything it shows and fetches nothing: inputs and
  outputs playing in step, maps of where every pixel is from, the measures of `patchvid eval`, the
  seconds of every level, all settings and versions, and the command line that makes the same again.
  Its films have at most 480 pixels on the source's longer side; of large videos smaller versions
  are measured.
- `--preview` makes a small version and nothing else, and prints the command line for the full size:
  inputs have at most 160 pixels on the longer side and 48 frames, and sizes are reduced with them.
  All its files have `_preview` in their names. It shows what kind of result the options lead to;
  at another size, the same seed often leads to another layout.

## Shell completion

Commands, options, choices and files are completed after one of these lines, in `~/.bashrc`,
`~/.zshrc` or `~/.config/fish/completions/patchvid.fish`:

```sh
eval "$(_PATCHVID_COMPLETE=bash_source patchvid)"
eval "$(_PATCHVID_COMPLETE=zsh_source patchvid)"
_PATCHVID_COMPLETE=fish_source patchvid | source
```
"""


def page() -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION, _section("patchvid", group, None)]
    with click.Context(group, info_name="patchvid", **group.context_settings) as parent:
        parts += [_section(f"patchvid {n}", c, parent) for n, c in group.commands.items()]
    return "\n".join(parts)


def _section(title: str, command: click.Command, parent: click.Context | None) -> str:
    name = title.rpartition(" ")[2]
    settings = {**command.context_settings, "terminal_width": WIDTH, "parent": parent}
    help_text = command.get_help(click.Context(command, info_name=name, **settings))
    return f"## {title}\n\n```text\n{help_text.rstrip()}\n```\n"


def main() -> None:
    TARGET.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
