"""Options of ``patchvid analogy`` alone: what the structure of its clips is."""

from pathlib import Path

import click

from patchvid.cli.options import numbers, option, together


def _use_sketch(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Have the settings for drawings as defaults."""
    if value == "sketch":
        from patchvid.apps.analogies import SKETCH

        ctx.default_map = {
            name: ",".join(map(str, setting)) if isinstance(setting, tuple) else setting
            for name, setting in SKETCH.items()
        }


structure = together(
    option(
        "--preset",
        type=click.Choice(["sketch"]),
        is_eager=True,
        expose_value=False,
        callback=_use_sketch,
        help="Other defaults, for a drawing as CONTENT.",
    ),
    option(
        "--structure",
        type=click.Choice(["flow", "luma", "contrast"]),
        default="flow",
        help="What the layout is read from: motion, brightness, or what stands out by it.",
    ),
    numbers(
        "--bins",
        form="A,B",
        kind=int,
        default="4,8",
        help="Bins of structure in CONTENT and in STYLE.",
    ),
    option(
        "--structure-levels",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        default=0.5,
        help="Share of the levels, coarse ones first, that keep to CONTENT's layout.",
    ),
)

save_structure = option(
    "--save-structure",
    type=click.Path(path_type=Path),
    help="Write what the two clips look like to the method.",
)

flow = together(
    option(
        "--flow",
        type=click.Choice(["auto", "raft", "classical"]),
        default="auto",
        help="How motion is estimated; auto is raft if its weights can be had.",
    ),
    option(
        "--flow-weights",
        metavar="WEIGHTS",
        help="Of RAFT: raft_small, raft_large, or a .pth, .npz or .onnx file. By default what the "
        "variable PATCHVID_RAFT says, or raft_small.",
    ),
    option(
        "--content-flow",
        type=click.Path(path_type=Path),
        help="Flow of CONTENT made elsewhere: .npz, .npy or a folder of .flo files. Of all its "
        "frames or those of --frames, at its size or larger.",
    ),
    option("--style-flow", type=click.Path(path_type=Path), help="Flow of STYLE made elsewhere."),
)
