"""``patchvid studio``: a page in the browser to paint, make and compare videos."""

from pathlib import Path

import click

from patchvid.cli.command import Command
from patchvid.cli.options import option

EXAMPLES = """\b
Examples:
  patchvid studio                     the sample clip
  patchvid studio clip.mp4
  patchvid studio clip.mp4 --port 8500 --no-browser
"""


@click.command(cls=Command, epilog=EXAMPLES, short_help="Paint and compare in the browser.")
@click.argument("clip", type=click.Path(path_type=Path), required=False)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=0,
    help="Port of the page on this machine; 0 picks a free one.",
)
@option("--no-browser", is_flag=True, help="Only print the address of the page.")
def studio(clip: Path | None, port: int, no_browser: bool) -> None:
    """Open a page in the browser to paint on CLIP, make videos and compare them.

    Paint over an object in one frame, and let the paint follow it through the clip. Then remove the
    object, compare the result with the clip, and save it. The page also makes new videos, other
    sizes and other looks. Only this machine can open it; Ctrl-C ends it.
    """
    try:
        from patchvid.studio.server import serve
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"the studio needs {error.name}; install it with: pip install 'patchvid[studio]'"
        ) from error

    serve(clip, port=port, open_browser=not no_browser, tell=click.echo)
