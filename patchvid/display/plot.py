"""Figures of videos and fields, for papers and notebooks: film strips, slices, maps of a field.

Needs matplotlib: ``pip install 'patchvid[plot]'``. Every function draws into the axes it is given,
or into a new figure, and returns the axes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._convert import to_8_bits
from patchvid._validation import check_integer, check_size, check_video
from patchvid.display.fields import field_to_color
from patchvid.errors import InvalidInput, PatchvidError

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
    video
        (t, y, x, c). Three or four channels are colours, with values as for `write_video`; one
        channel is drawn with a colour map.
    frames
        How many frames, evenly spread from the first to the last, or which ones.
    ax
        Where to draw. None: in a new figure.
    **image
        For `matplotlib.axes.Axes.imshow`: ``cmap``, ``vmin``, ``vmax`` and others.

    Returns
    -------
    matplotlib.axes.Axes
        Its ticks are the numbers of the frames.

    Raises
    ------
    InvalidInput
        If `video` is no video, cannot be drawn, or has no such frames.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> strip = film_strip(sample_clip(), frames=4)
    >>> [label.get_text() for label in strip.get_xticklabels()]
    ['0', '8', '15', '23']
    """
    video = check_video("video", video)
    pictures = _drawable(video)
    chosen = _chosen(frames, len(video))
    height, width = video.shape[1:3]
    step = width + max(1, round(GAP * width))
    ax = _axes(ax, (min(12, 2.2 * len(chosen)), 2.2 * height / width + 0.4))
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
    """Draw one row or one column of pixels over time: motion becomes a slope, a loop has no seam.

    Parameters
    ----------
    video, ax, **image
        As for `film_strip`.
    y, x
        The row, for a picture of x and t, or the column, for one of y and t. Neither: the middle
        row.

    Returns
    -------
    matplotlib.axes.Axes
        Time goes down.

    Raises
    ------
    InvalidInput
        If `video` is no video or cannot be drawn, or has no such row or column.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> slice_ = time_slice(sample_clip(), x=100)
    >>> slice_.get_xlabel(), slice_.images[0].get_array().shape
    ('y (pixels), x = 100', (24, 128, 3))
    """
    video = check_video("video", video)
    if y is not None and x is not None:
        raise InvalidInput("give the row y or the column x, got both")
    axis, name, place = (1, "y", y) if x is None else (2, "x", x)
    place = video.shape[axis] // 2 if place is None else check_integer(name, place, 0)
    if place >= video.shape[axis]:
        raise InvalidInput(f"{name} must be below {video.shape[axis]}, got {place}")
    ax = _axes(ax, (6, 3))
    ax.imshow(_drawable(video).take(place, axis), **({"aspect": "auto"} | image))
    ax.set_xlabel(f"{'x' if axis == 1 else 'y'} (pixels), {name} = {place}")
    ax.set_ylabel("t (frames)")
    return ax


def field_map(
    nnf: ArrayLike, shape: Sequence[int], *, frame: int | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw a field as colours that tell where in the source each patch is from.

    Where the colours change smoothly, a piece has been copied as it is; where they jump, there is
    a seam.

    Parameters
    ----------
    nnf
        (t', y', x', 3), as `search` returns it, or `generate` with ``details=True``.
    shape
        (t, y, x) of the video that `nnf` points to.
    frame
        Which t' to draw. None: the middle one.
    ax
        Where to draw. None: in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The inset is the source itself in these colours.

    Raises
    ------
    InvalidInput
        If `nnf` is no field, or has no such frame.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> itself = np.stack(np.indices((2, 20, 30)), axis=-1)
    >>> field_map(itself, (4, 26, 36)).get_title()
    't = 1'
    """
    nnf = np.asarray(nnf)
    size = check_size("shape", tuple(shape)[:3])
    colours = field_to_color(nnf, size)
    frame = len(colours) // 2 if frame is None else check_integer("frame", frame, 0)
    if frame >= len(colours):
        raise InvalidInput(f"frame must be below {len(colours)}, got {frame}")
    source = field_to_color(_middle_of(size), size)[0]
    height, width = colours.shape[1:3]
    ax = _axes(ax, (6, 6 * height / (1.4 * width) + 0.4))
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
    """Draw frames of several videos in a new figure: a column a video, a row a frame.

    Parameters
    ----------
    *videos, **image
        As for `film_strip`.
    labels
        What to write above each column.
    frames
        How many frames of each video, evenly spread from its first to its last, or which ones; no
        more than the shortest video has.

    Returns
    -------
    list of rows of matplotlib.axes.Axes
        The figure is ``axes[0][0].figure``.

    Raises
    ------
    InvalidInput
        If something is no video, or cannot be drawn, or there are not as many labels as videos.
    PatchvidError
        If matplotlib is not installed.

    Examples
    --------
    >>> clip = np.zeros((4, 20, 30, 3), np.uint8)
    >>> axes = side_by_side(clip, 255 - clip, labels=["black", "white"], frames=[0, 3])
    >>> len(axes), axes[0][1].get_title()
    (2, 'white')
    """
    if not videos:
        raise InvalidInput("side_by_side needs a video or more, got none")
    if labels and len(labels) != len(videos):
        raise InvalidInput(
            f"labels must be one for each of {len(videos)} videos, got {len(labels)}"
        )
    checked = [check_video("video", video) for video in videos]
    if not isinstance(frames, Sequence):
        frames = min(check_integer("frames", frames, 1), *map(len, checked))
    chosen = [_chosen(frames, len(video)) for video in checked]
    pictures = [_drawable(video)[index] for video, index in zip(checked, chosen)]
    pyplot = _pyplot()
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


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise PatchvidError(
            "figures need matplotlib, which is not installed; pip install 'patchvid[plot]'"
        ) from error
    return pyplot


def _axes(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """The axes to draw into, of a new figure of `size` inches if there are none."""
    pyplot = _pyplot()
    if ax is not None:
        return ax
    _, new = pyplot.subplots(figsize=size, layout="compressed")
    drawn: Axes = new
    return drawn


def _drawable(video: NDArray[Any]) -> NDArray[Any]:
    """(t, y, x, 3 or 4) of uint8, or (t, y, x) of any numbers for a colour map."""
    if video.shape[3] == 1:
        return video[..., 0]
    if video.shape[3] not in (3, 4):
        raise InvalidInput(
            f"video must have 1, 3 or 4 channels to be drawn, got {video.shape[3]}; choose some"
        )
    return to_8_bits(video)


def _chosen(frames: int | Sequence[int], n_frames: int) -> list[int]:
    """The numbers of the frames to draw."""
    if isinstance(frames, Sequence):
        chosen = [check_integer("frames", frame, 0) for frame in frames]
        if not chosen or max(chosen) >= n_frames:
            raise InvalidInput(f"frames must be some below {n_frames}, got {frames}")
        return chosen
    count = min(check_integer("frames", frames, 1), n_frames)
    spread: list[int] = np.linspace(0, n_frames - 1, count).round().astype(int).tolist()
    return spread


def _middle_of(size: Sequence[int]) -> NDArray[np.int32]:
    """The field of the source itself, of its middle frame only."""
    places = np.indices((1, size[1], size[2]), np.int32)
    places[0] += size[0] // 2
    return np.moveaxis(places, 0, -1)
