"""Layers that are rearranged as a clip is: their options, and how they are read and named."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli.inputs import Reading, read_clip
from patchvid.cli.options import Decorator, option, together
from patchvid.cli.outputs import Outputs, check_distinct, default_name
from patchvid.cli.values import Frames, OutputPath

if TYPE_CHECKING:
    from numpy.typing import NDArray


def layers_of(clip: str) -> Decorator:
    """Make the options for what is written beside a video, from its field."""
    return together(
        option(
            "--layer",
            "layers",
            type=click.Path(path_type=Path),
            metavar="FILE",
            multiple=True,
            help=f"Layer of {clip} such as depth or a matte: a video, picture, folder or array of "
            "its size. It is rearranged as the output is, and named after it, as in "
            "clip_gen_depth.npy; repeatable.",
        ),
        option(
            "--save-field",
            type=OutputPath(),
            metavar="FILE.npz",
            help="Also write the field, for patchvid apply.",
        ),
    )


def read_layers(
    paths: Sequence[Path], frames: Frames, shape: Sequence[int], how: Reading
) -> "dict[Path, NDArray[Any]]":
    """Read layers of a clip whose shape in use is given, and shrink them as the clip was."""
    from patchvid import InvalidInput

    layers = {}
    for path in paths:
        layer = read_clip(path, frames, how._replace(depth=None, tone_map=False)).video
        if layer.shape[:3] != tuple(shape[:3]):
            raise InvalidInput(
                f"the layer {str(path)!r} is {_by(layer.shape)}, and its clip is {_by(shape)}; "
                "give a layer with the clip's frames, rows and columns"
            )
        layers[path] = layer
    return layers


def plan_layers(
    outputs: Outputs, layers: "Mapping[Path, NDArray[Any]]", *, overwrite: bool
) -> list[list[Path]]:
    """Name the layers of every video after it, and raise an error if one cannot be written."""
    from patchvid.io.video import check_target

    named = [
        [video.with_name(f"{video.stem}_{name_layer(*layer)}") for layer in layers.items()]
        for video in outputs.videos
        if video is not None
    ]
    paths = [path for of_video in named for path in of_video]
    for path in paths:
        check_target(path, overwrite=overwrite)
    check_distinct([*outputs.videos, *outputs.fields, outputs.extra, *paths])
    return named


def name_layer(path: Path, layer: "NDArray[Any]", ending: str = "") -> Path:
    """Name the file of a layer: a video if it has 8 bits and colours, else an array."""
    name = default_name(path, ending)
    is_film = layer.dtype == "uint8" and layer.shape[3] in (1, 3, 4)
    return name if is_film or name.suffix in (".npy", ".npz") else name.with_suffix(".npy")


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape[:3]))
