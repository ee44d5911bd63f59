"""Reading of clips, at once or frame by frame: video files, pictures, folders of frames, arrays.

The content of a file tells its kind, not its name. Files give 8-bit RGB, or 16-bit RGB if they hold
more; saved arrays do not change.
"""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from patchvid._paths import StrPath
from patchvid._progress import Progress
from patchvid.io.info import VideoInfo
from patchvid.io.opening import open_source
from patchvid.io.selecting import Frames, check_options, iter_source, read_source


def video_info(path: StrPath) -> VideoInfo:
    """Find the properties of a clip; of a video, decode at most one frame.

    Parameters
    ----------
    path : str or path
        Any file or folder that `read_video` reads.

    Returns
    -------
    VideoInfo
        Number, size and type of frames, rate, colours, shape of pixels, sound and others.

    Raises
    ------
    VideoError
        If there is no clip at `path`, or it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import patchvid
    >>> folder = tempfile.TemporaryDirectory()
    >>> patchvid.write_video(f"{folder.name}/noise.mp4", np.random.rand(8, 32, 48, 3), fps=10)
    >>> info = video_info(f"{folder.name}/noise.mp4")
    >>> info.frames, info.height, info.width, info.fps, info.codec
    (8, 32, 48, 10.0, 'h264')
    """
    return open_source(path).info


def read_video(
    path: StrPath,
    *,
    frames: Frames = (0, None),
    max_size: int | None = None,
    fps: float | None = None,
    depth: int | None = None,
    tone_map: bool = False,
    strict: bool = False,
    progress: Progress | bool | None = None,
) -> tuple[NDArray[Any], float | None]:
    """Read a clip.

    Parameters
    ----------
    path : str or path
        A video file (mp4, mov, mkv, webm, avi and all else that FFmpeg opens), an animated or still
        picture (gif, png, webp, avif, jpg, bmp, tif; exr, hdr and pfm, of floats), a folder of
        still pictures of one size, read in the natural order of their names, or an array: ``.npy``,
        or ``.npz`` with an array named ``video`` or a single array, of shape (t, y, x) or
        (t, y, x, c). The content of a file tells its kind, not its name.
    frames : tuple of int
        The first frame to read and the one to stop before, counted from 0; None is the end. A third
        number is the step from one frame to the next. As few frames as possible are decoded.
    max_size : int, optional
        Most pixels of the longer side. Larger frames are shrunk as they are read.
    fps : float, optional
        Frames per second, from 0.01 to 1000: frames are repeated or left out, so that the clip
        keeps its pace. Folders and arrays keep their frames and get this rate. By default the
        clip's rate. If the rate varies, it is the one at which most frames show, and a warning says
        so.
    depth : int, optional
        8 for uint8, or 16 for uint16. By default as in the source: uint16 for video of 10 or more
        bits.
    tone_map : bool
        Turn high dynamic range (PQ, HLG) and the colours of BT.2020 and P3 into BT.709 of standard
        dynamic range. Otherwise values do not change; `video_info` tells their meaning, and a
        warning points out high dynamic range.
    strict : bool
        Refuse a file that is damaged or cut short. Otherwise read the frames that FFmpeg can
        recover, with a warning.
    progress : callable or bool, optional
        Called as ``progress(fraction, message)``. None shows a bar in a terminal if it takes
        longer than a second, False shows nothing.

    Returns
    -------
    video : array
        (t, y, x, c). A still picture has t = 1. Files give RGB: grey becomes RGB, and a fourth
        channel holds alpha if some pixel is not opaque. Frames are upright, as the file says, and
        interlaced ones are made whole. Pixels may not be square, see `video_info`. Saved arrays
        keep their values, channels (grey has one) and type.
    fps : float or None
        Frames per second, or None if the source has no rate between 0.01 and 1000.

    Raises
    ------
    VideoError
        If there is no clip at `path`, or it cannot be read, or it is damaged and `strict` is true.
    InvalidInput
        If `frames` is not a range of the clip, another argument is not as described, or a saved
        array is not a video by its shape, type or values.

    Notes
    -----
    Video without colour tags is read as by players: as BT.709 if it is at least 1280 wide or more
    than 576 high, otherwise as BT.601.

    A ``.webp`` stores equal neighbouring frames as one longer frame. The durations tell how to
    separate them again. If all frames of a clip repeat equally often, each is read once.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/noise.npy", np.random.rand(8, 32, 48, 3))
    >>> video, fps = read_video(f"{folder.name}/noise.npy", frames=(0, 5))
    >>> video.shape, fps
    ((5, 32, 48, 3), None)
    """
    how = check_options(frames, max_size=max_size, depth=depth, strict=strict)
    source = open_source(path, fps=fps, tone_map=tone_map)
    return read_source(source, how, progress)


def iter_video(
    path: StrPath,
    *,
    frames: Frames = (0, None),
    max_size: int | None = None,
    fps: float | None = None,
    depth: int | None = None,
    tone_map: bool = False,
    strict: bool = False,
) -> Iterator[NDArray[Any]]:
    """Read a clip frame by frame, with one frame in memory at a time.

    Parameters
    ----------
    path : str or path
        As for `read_video`; so are all other arguments.
    frames : tuple of int
        First frame, the one to stop before, and optionally a step.
    max_size : int, optional
        Most pixels of the longer side.
    fps : float, optional
        Rate to read at.
    depth : int, optional
        8 or 16 bits.
    tone_map : bool
        Turn high dynamic range into standard.
    strict : bool
        Refuse damaged files.

    Returns
    -------
    iterator of array
        Frames (y, x, c). If `video_info` says four channels, each frame has all four.

    Raises
    ------
    VideoError
        As from `read_video`, but when the iterator reaches the frame.
    InvalidInput
        As from `read_video`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/noise.npy", np.random.rand(8, 32, 48, 3))
    >>> [frame.shape for frame in iter_video(f"{folder.name}/noise.npy", frames=(0, 8, 4))]
    [(32, 48, 3), (32, 48, 3)]
    """
    how = check_options(frames, max_size=max_size, depth=depth, strict=strict)
    return iter_source(open_source(path, fps=fps, tone_map=tone_map), how)
