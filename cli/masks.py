"""Masks and boxes on a clip: their options, and how they are read."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from patchvid.cli.inputs import Reader
from patchvid.cli.options import Decorator, option, together
from patchvid.cli.values import parse_box


def mask_options(name: str, where: str) -> Decorator:
    """Make the options ``--NAME``, for masks, and ``--box``."""
    return together(
        option(
            f"--{name}",
            type=click.Path(path_type=Path),
            multiple=True,
            help=f"Mask that is white {where}: a picture (for all frames), video, folder or array; "
            "labels and frames with red paint work too; repeatable.",
        ),
        option(
            "--box",
            "boxes",
            type=parse_box,
            metavar="X,Y,W,H",
            multiple=True,
            help=f"Box {where}: left, top, width and height in pixels of CLIP; repeatable.",
        ),
    )


def mask_reader(
    name: str, masks: Sequence[Path], boxes: Sequence[tuple[int, int, int, int]]
) -> Reader:
    """Return a reader of the union of masks and boxes; it returns None if there are none."""
    from patchvid.io.masks import read_masks

    return partial(read_masks, name, masks, boxes)
