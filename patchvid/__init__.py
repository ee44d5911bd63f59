"""patchvid makes new videos from one short clip, without training.

From coarse to fine, it searches for similar space-time patches of the clip (PatchMatch) and lets
them vote on every pixel (median). The output has the look and motion of the clip, but new content.

New videos
    `generate`, `analogy`, `retarget`, `inpaint`, `loop`; `generate_long`, `retarget_long`
Masks
    `track`, `paint`
Many at once
    `batch`, `Job`
Files
    `read_video`, `iter_video`, `video_info`, `find_cuts`, `write_video`, `read_flow`,
    `read_field`, `write_field`, `sample_clip`, `fetch_weights`
Figures and pages
    `show`, `plot`, `Report`, `field_to_color`, `flow_to_color`
Measures
    `metrics`
Parts of the method, for arrays of any kind
    `search`, `vote`, `rearrange`, `patch_distance`, `vpnn`, `build_pyramid`, `resize`,
    `optical_flow`

Videos are arrays (t, y, x, c) of NumPy or CuPy. Errors are subclasses of `PatchvidError`.
"""

import sys

__version__ = "0.2.0"


def _attach() -> None:
    """Make names import when they are first used; ``__init__.pyi`` says from where."""
    import lazy_loader  # takes ten times as long as the rest; the command needs no names

    names = "__getattr__", "__dir__", "__all__"
    globals().update(zip(names, lazy_loader.attach_stub(__name__, __file__)))


def __getattr__(name: str) -> object:
    _attach()
    return getattr(sys.modules[__name__], name)


def __dir__() -> list[str]:
    _attach()
    return dir(sys.modules[__name__])
