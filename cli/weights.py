"""``patchvid weights``: published weights of networks, listed, fetched and checked."""

import json

import click

from patchvid.cli import options
from patchvid.cli.command import Command

EXAMPLES = """\b
Examples:
  patchvid weights                                 list weights, and those on this machine
  patchvid weights raft_small --download           fetch weights that estimate motion
"""


@click.command(cls=Command, epilog=EXAMPLES, short_help="List or fetch weights of networks.")
@click.argument("names", nargs=-1)
@options.download
@options.as_json
@options.quiet
def weights(names: tuple[str, ...], download: bool, as_json: bool, quiet: bool) -> None:
    """List the published weights of networks, and where they are on this machine.

    With NAMES, check that these weights are here and unchanged; the exit code is 1 if one is not.
    Add --download to fetch missing ones. patchvid uses the network for nothing else.
    """
    from patchvid import InvalidInput, fetch_weights
    from patchvid.networks.weights import PUBLISHED, cached_weights

    if download and not names:
        raise click.UsageError("--download needs the NAMES of weights.")
    for name in names:
        if name not in PUBLISHED:
            raise InvalidInput(f"there are no weights {name!r}; known are {', '.join(PUBLISHED)}")
    rows = []
    for name in names or PUBLISHED:
        if download:
            fetch_weights(name, progress=False if quiet else None)
        path = cached_weights(name)
        use, url = PUBLISHED[name].use, PUBLISHED[name].url
        rows.append({"name": name, "file": path and str(path), "use": use, "url": url})
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not quiet:
        for row in rows:
            click.echo(f"{row['name']:14}{row['file'] or 'not here'} ({row['use']})")
    if names and not all(row["file"] for row in rows):
        raise SystemExit(1)
