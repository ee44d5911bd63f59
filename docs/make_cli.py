"""Write ``docs/cli.md`` from the help of the commands: ``python docs/make_cli.py``."""

from pathlib import Path

import click

from patchvid.cli.main import main as group

TARGET = Path(__file__).with_name("cli.md")
WIDTH = 80

INTRODUCTION = """\
# Command line

`python docs/make_cli.py` writes this page from `--help`.

Commands print results to stdout, and progress and errors to stderr. A progress bar appears only in
a terminal, if the work takes longer than a second. The exit code is 0 for success, 1 for an error,
2 for wrong usage, and 130 after Ctrl-C.

## Output

patchvid writes each video as soon as it is made. A file appears only when it is complete, and
replaces an existing one only with `--overwrite`. For each video, a line shows the file, the size
(frames, height and width), the seed, the novelty and structure (`patchvid gen`) or the frames or
jumps (`patchvid loop`), and the time.

- `--json` prints one JSON document at the end instead. For commands that make videos, it holds
  `files` (each with `file`, `shape`, `seed`, `seconds`, `layers`, `field`, `novelty`, `structure`,
  `noise` and `jumps`), `report`, and the `command` line that repeats the job.
- `-o -` writes no video. Use it if you only want a `--report`, or the times in `--json`. It does
  not write videos to stdout.
- `--report FILE.html` writes a page that needs no other files and no network. It plays inputs and
  outputs in step, and shows maps of where every pixel comes from, the measures of `patchvid eval`,
  the time of each level, all settings and versions, and the command line that repeats the job. It
  shrinks videos so that the source's longer side has at most 480 pixels, and also shrinks large
  videos before it measures them.
- `--preview` makes only a small version, and prints the command line for the full size. It shrinks
  inputs to at most 160 pixels on the longer side and 48 frames, and sizes in the same proportion.
  All its files have `_preview` in their names. A preview shows what kind of result to expect, but
  the same seed often gives another layout at another size.

## Shell completion

To complete commands, options, choices and file names, add one of these lines to `~/.bashrc`,
`~/.zshrc` or `~/.config/fish/completions/patchvid.fish`:

```sh
eval "$(_PATCHVID_COMPLETE=bash_source patchvid)"
eval "$(_PATCHVID_COMPLETE=zsh_source patchvid)"
_PATCHVID_COMPLETE=fish_source patchvid | source
```
"""


def page() -> str:
    """Return the page as Markdown."""
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
