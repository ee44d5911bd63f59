"""Figures of videos and fields for papers and notebooks: film strips, slices, maps of a field.

They need matplotlib: ``pip install 'patchvid[plot]'``. Each function draws into the given axes or
into a new figure, and returns the axes. Arrays may be on a GPU.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend_of
from patchvid._validation import as_array, check_integer, check_size
from patchvid.display._figures import choose_frames, import_pyplot, make_axes, to_picture
from patchvid.display._videos import check_labelled, check_shown
from patchvid.display.field_maps import field_to_color
from patchvid.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["field_map", "film_strip", "side_by_side", "time_slice"]

GAP = 0.04  # white between pictures, relative to their width


def film_strip(
    video: NDArray[Any], *, frames: int | Sequence[int] = 6, ax: "Axes | None" = None, **image: Any
) -> "Axes":
    """Draw frames of a video next to each other.

    Parameters
    ----------
    video : array
        (t, y, x, c). Three channels are RGB, four are RGB and alpha, with values as for
        `write_video`; one channel is drawn with a colour map.
    frames : int or sequence of int
        How many frames to draw, evenly spread from the first to the last; or their numbers.
    ax : matplotlib.axes.Axes, optional
        Where to draw. By default in a new figure.
    **image
        Further arguments of `matplotlib.axes.Axes.imshow`, such as ``cmap``, ``vmin`` and
        ``vmax``.

    Returns
    -------
    matplotlib.axes.Axes
        Its ticks are the numbers of the frames.

    Raises
    ------
    InvalidInput
        If the array cannot be shown, or has no such frames.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> strip = film_strip(sample_clip(), frames=4)
    >>> [label.get_text() for label in strip.get_xticklabels()]
    ['0', '8', '15', '23']
    """
    video = check_shown(video)
    pictures = to_picture(video)
    chosen = choose_frames(frames, len(video))
    height, width = video.shape[1:3]
    step = width + max(1, round(GAP * width))
    ax = make_axes(ax, (min(12, 2.2 * len(chosen)), 2.2 * height / width + 0.4))
    shown = pictures[chosen]
    image = {"vmin": np.min(shown), "vmax": np.max(shown)} | image
    for place, picture in enumerate(shown):
        left = place * step - 0.5
        ax.imshow(picture, extent=(left, left + width, height - 0.5, -0.5), **image)
    ax.set_xlim(-0.5, len(chosen) * step - (step - width) - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_xticks([place * step + (width - 1) / 2 for place in range(len(chosen))])
    ax.set_xticklabels(list(map(str, chosen)))
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.set_xlabel("frame")
    ax.spines[:].set_visible(False)
    return ax


def time_slice(
    video: NDArray[Any],
    *,
    y: int | None = None,
    x: int | None = None,
    ax: "Axes | None" = None,
    **image: Any,
) -> "Axes":
    """Draw one row or column of pixels over time: motion is a slope, and a loop has no seam.

    Parameters
    ----------
    video : array
        (t, y, x, c), as for `film_strip`.
    y : int, optional
        The row of pixels to draw. By default the middle one, if there is no `x`.
    x : int, optional
        The column of pixels to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw. By default in a new figure.
    **image
        Further arguments of `matplotlib.axes.Axes.imshow`, such as ``cmap``, ``vmin`` and
        ``vmax``.

    Returns
    -------
    matplotlib.axes.Axes
        Time goes down.

    Raises
    ------
    InvalidInput
        If the array cannot be shown, has no such row or column, or if both are given.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> slice_ = time_slice(sample_clip(), x=100)
    >>> slice_.get_xlabel(), slice_.images[0].get_array().shape
    ('y (pixels), x = 100', (24, 128, 3))
    """
    video = check_shown(video)
    if y is not None and x is not None:
        raise InvalidInput("give the row y or the column x, got both")
    axis, name, place = (1, "y", y) if x is None else (2, "x", x)
    place = video.shape[axis] // 2 if place is None else check_integer(name, place, 0)
    if place >= video.shape[axis]:
        raise InvalidInput(f"{name} must be below {video.shape[axis]}, got {place}")
    ax = make_axes(ax, (6, 3))
    ax.imshow(to_picture(video).take(place, axis), **({"aspect": "auto"} | image))
    ax.set_xlabel(f"{'x' if axis == 1 else 'y'} (pixels), {name} = {place}")
    ax.set_ylabel("t (frames)")
    return ax


def field_map(
    nnf: ArrayLike, shape: Sequence[int], *, frame: int | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw a field in colours that show where in the source each patch comes from.

    Where colours change smoothly, a piece was copied whole. Where they jump, there is a seam.

    Parameters
    ----------
    nnf : array of int
        (t', y', x', 3), as from `search`, or from `generate` with ``details=True``.
    shape : sequence of int
        (t, y, x) or (t, y, x, c) of the video into which `nnf` points.
    frame : int, optional
        The frame t' to draw. By default the middle one.
    ax : matplotlib.axes.Axes, optional
        Where to draw. By default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Its inset is the source itself in these colours.

    Raises
    ------
    InvalidInput
        If the array is not a field, or has no such frame.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> itself = np.stack(np.indices((2, 20, 30)), axis=-1)
    >>> field_map(itself, (4, 26, 36)).get_title()
    't = 1'
    """
    size = check_size("shape", tuple(shape)[:3])
    nnf = as_array(nnf)
    colours = field_to_color(backend_of(nnf).to_host(nnf), size)
    if colours.ndim != 4:
        raise InvalidInput(f"nnf must be (t', y', x', 3), got shape {colours.shape}")
    frame = len(colours) // 2 if frame is None else check_integer("frame", frame, 0)
    if frame >= len(colours):
        raise InvalidInput(f"frame must be below {len(colours)}, got {frame}")
    source = field_to_color(_middle_of(size), size)[0]
    height, width = colours.shape[1:3]
    ax = make_axes(ax, (6, 6 * height / (1.4 * width) + 0.4))
    ax.imshow(colours[frame])
    ax.set_title(f"t = {frame}")
    legend = ax.inset_axes((1.04, 0.0, 0.36, 0.36 * width / height * size[1] / size[2]))
    legend.imshow(source)
    legend.set_title("source", fontsize="small")
    for axes in (ax, legend):
        axes.set_xticks([])
        axes.set_yticks([])
    return ax


def side_by_side(
    *videos: NDArray[Any],
    labels: Sequence[str] = (),
    frames: int | Sequence[int] = 3,
    **image: Any,
) -> "list[list[Axes]]":
    """Draw frames of several videos in a new figure: a column for each video, a row for each frame.

    Parameters
    ----------
    *videos : array
        Each (t, y, x, c), as for `film_strip`.
    labels : sequence of str, optional
        Texts to write above the columns, one for each video.
    frames : int or sequence of int
        How many frames of each video to draw, evenly spread from its first to its last and at most
        as many as the shortest video has; or their numbers.
    **image
        Further arguments of `matplotlib.axes.Axes.imshow`, such as ``cmap``, ``vmin`` and
        ``vmax``.

    Returns
    -------
    list of list of matplotlib.axes.Axes
        One list for each row. The figure is ``axes[0][0].figure``.

    Raises
    ------
    InvalidInput
        If an array cannot be shown, or if there is not one label for each video.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> clip = np.zeros((4, 20, 30, 3), np.uint8)
    >>> axes = side_by_side(clip, 255 - clip, labels=["black", "white"], frames=[0, 3])
    >>> len(axes), axes[0][1].get_title()
    (2, 'white')
    """
    checked = check_labelled("side_by_side", videos, labels)
    if not isinstance(frames, Sequence):
        frames = min(check_integer("frames", frames, 1), *map(len, checked))
    chosen = [choose_frames(frames, len(video)) for video in checked]
    pictures = [to_picture(video)[index] for video, index in zip(checked, chosen)]
    pyplot = import_pyplot()
    widths = [video.shape[2] for video in checked]
    ratio = max(video.shape[1] for video in checked) / sum(widths)
    size = (9, 9 * ratio * len(chosen[0]) + 0.4)
    _, axes = pyplot.subplots(
        len(chosen[0]), len(videos), squeeze=False, figsize=size, layout="constrained",
        width_ratios=widths,
    )  # fmt: skip
    for row, line in enumerate(axes):
        for column, ax in enumerate(line):
            ax.imshow(pictures[column][row], **image)
            ax.set_xticks([])
            ax.set_yticks([])
            if column == 0 or chosen[column] != chosen[0]:
                ax.set_ylabel(f"frame {chosen[column][row]}")
    for ax, label in zip(axes[0], labels):
        ax.set_title(label)
    return [list(line) for line in axes]


def _middle_of(size: Sequence[int]) -> NDArray[np.int32]:
    """The field that maps the middle frame of the source to itself."""
    places = np.indices((1, size[1], size[2]), np.int32)
    places[0] += size[0] // 2
    return np.moveaxis(places, 0, -1)
