"""patchvid makes new videos out of one video, without training.

Space-time patches of a clip are searched (PatchMatch) and voted (median) from coarse to fine, so
that the output has the clip's look and motion but a content of its own.

New videos
    `generate`, `analogy`, `retarget`, `inpaint`
Files
    `read_video`, `write_video`, `read_flow`, `read_field`, `write_field`, `sample_clip`,
    `fetch_weights`
To look at
    `show`, `plot`, `Report`, `field_to_color`, `flow_to_color`
To measure
    `metrics`
Parts of the method, for arrays of any kind
    `search`, `vote`, `rearrange`, `patch_distance`, `vpnn`, `build_pyramid`, `resize`,
    `optical_flow`

Videos are arrays (t, y, x, c) of NumPy or CuPy. Errors are subclasses of `PatchvidError`.
"""

import lazy_loader

# Names are imported when they are first used; ``__init__.pyi`` says from where.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.2.0"
