"""Paint on a clip in a notebook."""

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from patchvid._validation import check_number
from patchvid.display._videos import check_shown
from patchvid.errors import PatchvidError
from patchvid.io.info import DEFAULT_FPS

if TYPE_CHECKING:
    from patchvid.studio.widget import Painter


def paint(video: NDArray[Any], *, fps: float | None = None) -> "Painter":
    """Paint a mask or a cue on a clip, in a notebook.

    The widget is the painter of ``patchvid studio``. Paint in one frame or in a few; in the others,
    the paint follows its object, stays in the same place, or is missing, as you choose.

    Parameters
    ----------
    video : array
        (t, y, x, c) with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels, or (t, y, x) for grey,
        with values as for `write_video`.
    fps : float, optional
        Frames per second at which the clip plays, 24 by default.

    Returns
    -------
    Painter
        The widget, which shows itself as the last value of a cell. Its `value` is the painted mask
        (t, y, x) of bool, as `inpaint` takes it, and the `keep` of `retarget` as well. Its `source`
        and its `cue` are those of `inpaint`, or None if nothing was painted for them.

    Raises
    ------
    InvalidInput
        If `video` cannot be shown, or `fps` is not between 0.01 and 1000.
    PatchvidError
        If anywidget is not installed: ``pip install 'patchvid[notebook]'``.

    Examples
    --------
    >>> import patchvid
    >>> clip = patchvid.sample_clip()
    >>> painted = paint(clip, fps=12)
    >>> painted.value.shape, painted.value.any(), painted.cue is None
    ((24, 128, 224), np.False_, True)
    """
    video = check_shown(video)
    fps = DEFAULT_FPS if fps is None else fps
    check_number("fps", fps, 0.01, 1000)
    try:
        from patchvid.studio.widget import Painter
    except ModuleNotFoundError as error:
        raise PatchvidError(
            f"painting in a notebook needs {error.name}, which is not installed; pip install "
            "'patchvid[notebook]'"
        ) from error
    from patchvid.studio.clips import Clip

    return Painter(Clip("", video, float(fps)))
