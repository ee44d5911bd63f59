"""The option ``--layer``: read the layers to rearrange, and name their outputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from patchvid.cli.inputs import Reading, read_clip
from patchvid.cli.options import Decorator, option, together
from patchvid.cli.outputs import Outputs, check_distinct, default_name, in_a_folder
from patchvid.cli.values import Frames, OutputPath

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from patchvid.io.info import VideoInfo


_HOLD_FLOATS = ("", ".exr", ".tif", ".tiff")


def layers_of(clip: str) -> Decorator:
    """Make the options for files written beside a video, from its field."""
    return together(
        option(
            "--layer",
            "layers",
            type=click.Path(path_type=Path),
            metavar="FILE",
            multiple=True,
            help=f"Layer of {clip}, such as depth or a matte: a video, picture, folder or array of "
            "its size. It is rearranged like the output and named after it, as in "
            "clip_gen_depth.npy; repeatable.",
        ),
        option(
            "--save-field",
            type=OutputPath(),
            metavar="FILE.npz",
            help="Also write the field, for patchvid apply.",
        ),
    )


class Layer(NamedTuple):
    """A layer from a file: the file, its values, and its properties."""

    path: Path
    video: "NDArray[Any]"
    info: "VideoInfo | None"


def read_layers(
    paths: Sequence[Path], frames: Frames, shape: Sequence[int], how: Reading
) -> list[Layer]:
    """Read layers of a clip of the given shape, and shrink them like the clip."""
    from patchvid import InvalidInput

    layers = []
    for path in dict.fromkeys(paths):
        read = read_clip(path, frames, how._replace(depth=None, tone_map=False))
        if read.video.shape[:3] != tuple(shape[:3]):
            raise InvalidInput(
                f"the layer {str(path)!r} is {_by(read.video.shape)}, but its clip is {_by(shape)};"
                " give a layer with the clip's frames, rows and columns"
            )
        layers.append(Layer(path, read.video, read.info))
    return layers


def plan_layers(outputs: Outputs, layers: Sequence[Layer], *, overwrite: bool) -> list[list[Path]]:
    """Name the layers of every video after it, and raise an error if one cannot be written."""
    from patchvid.io.writing import check_target

    named = [
        [video.with_name(f"{video.stem}_{name_layer(layer)}") for layer in layers]
        for video in map(in_a_folder, filter(None, outputs.videos))
    ]
    paths = [path for of_video in named for path in of_video]
    for path in paths:
        check_target(path, overwrite=overwrite)
    check_distinct([*outputs.videos, *outputs.fields, outputs.extra, *paths])
    return named


def name_layer(layer: Layer, ending: str = "", codec: str | None = None) -> Path:
    """Name the file of a layer: of its own kind, or an array if that kind would lose values."""
    name = default_name(layer.path, ending, codec)
    dtype, n_channels = layer.video.dtype, layer.video.shape[3]
    if n_channels == 4 and codec is None and name.suffix == ".mp4":
        name = name.with_suffix(".webm" if dtype == "uint8" else ".mov")  # for alpha
    is_light = layer.info is not None and layer.info.color.transfer == "linear"
    holds_it = dtype in ("uint8", "uint16") or (is_light and name.suffix in _HOLD_FLOATS)
    if name.suffix in (".npy", ".npz") or (holds_it and n_channels in (1, 3, 4)):
        return name
    return name.with_suffix(".npy")


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape[:3]))
