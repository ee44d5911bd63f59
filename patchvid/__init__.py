"""New videos out of one video: space-time patch search and voting, coarse to fine.

Public names are loaded on first use, so that ``import patchvid`` imports neither NumPy nor Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchvid.analogies import SKETCH as SKETCH
    from patchvid.analogies import analogy as analogy
    from patchvid.errors import DeviceError as DeviceError
    from patchvid.errors import InvalidInput as InvalidInput
    from patchvid.errors import PatchvidError as PatchvidError
    from patchvid.errors import VideoError as VideoError
    from patchvid.errors import WeightsError as WeightsError
    from patchvid.films import show as show
    from patchvid.flow import flow_to_color as flow_to_color
    from patchvid.flow import optical_flow as optical_flow
    from patchvid.flow import read_flow as read_flow
    from patchvid.generation import generate as generate
    from patchvid.inpainting import inpaint as inpaint
    from patchvid.layer import vpnn as vpnn
    from patchvid.matching import patch_distance as patch_distance
    from patchvid.matching import search as search
    from patchvid.matching import vote as vote
    from patchvid.pyramid import build_pyramid as build_pyramid
    from patchvid.pyramid import resize as resize
    from patchvid.retargeting import retarget as retarget
    from patchvid.sample import sample_clip as sample_clip
    from patchvid.video import read_video as read_video
    from patchvid.video import write_video as write_video

_HOMES = {
    "analogies": ("analogy", "SKETCH"),
    "errors": ("PatchvidError", "InvalidInput", "DeviceError", "VideoError", "WeightsError"),
    "films": ("show",),
    "flow": ("optical_flow", "read_flow", "flow_to_color"),
    "generation": ("generate",),
    "inpainting": ("inpaint",),
    "layer": ("vpnn",),
    "matching": ("search", "vote", "patch_distance"),
    "pyramid": ("build_pyramid", "resize"),
    "retargeting": ("retarget",),
    "sample": ("sample_clip",),
    "video": ("read_video", "write_video"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME, "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'patchvid' has no attribute {name!r}")
    value = getattr(import_module(f"patchvid.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
