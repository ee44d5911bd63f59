"""Cues for a whole clip, from paint on all of its frames or on a few, which may follow the clip."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange
from patchvid._device import backend_of
from patchvid._progress import Progress
from patchvid._validation import as_array, check_integer, check_video, shown
from patchvid.apps.cues import BREADTH, SLIGHT, copy_paint, painted
from patchvid.apps.holes import Region
from patchvid.apps.tracking import track_labels
from patchvid.errors import InvalidInput

MOST_COLOURS = 255  # of paint that follows; more are soft edges


def whole_cue(video: NDArray[Any], cue: Any, *, follow: bool) -> NDArray[Any] | None:
    """Check the cue of a checked video (t, y, x, c), and return one of the video's shape.

    It may be of this shape or of one frame, or a mapping as for `cue_of_frames`.
    """
    if isinstance(cue, Mapping):
        return cue_of_frames(video, cue, follow=follow)
    if follow:
        raise InvalidInput(
            "follow needs a cue that gives paint by frame, such as {0: picture}, got "
            f"{'no cue' if cue is None else 'an array'}"
        )
    if cue is None:
        return None
    checked: NDArray[Any] = check_video("cue", cue)
    if checked.shape not in (video.shape, (1, *video.shape[1:])):
        raise InvalidInput(
            f"cue must have the shape of the clip, {video.shape}, or one frame of it, "
            f"got {checked.shape}"
        )
    return copy_paint(video, checked) if len(checked) < len(video) else checked


def cue_of_frames(
    video: NDArray[Any],
    pictures: Mapping[int, NDArray[Any]],
    *,
    follow: bool,
    progress: Progress | bool | None = False,
) -> NDArray[Any]:
    """Make a cue for a whole clip from painted copies of some of its frames.

    Parameters
    ----------
    video : array
        (t, y, x, c), checked, on any device.
    pictures : mapping of int to array
        Painted copies (y, x, c) of frames, by their numbers.
    follow : bool
        Whether paint follows what it is painted on, see `track`. Areas of the same colour are one
        object. A frame that lacks a colour, but has others, says nothing of it. Otherwise paint
        counts only in its own frame.
    progress : callable, bool or None
        As for `generate`.

    Returns
    -------
    array
        (t, y, x, c): a copy of the video with the paint on it.

    Raises
    ------
    InvalidInput
        If a frame is not in the clip, or a picture has another size or no paint.
    """
    if not pictures:
        raise InvalidInput(
            f"cue must map one or more frame numbers to painted copies, got {shown(pictures)}"
        )
    kernels = backend_of(video)
    video = kernels.to_host(video)
    cue, places = video.copy(), {}
    for frame, picture in pictures.items():
        number = check_integer("the frame of a cue", frame, 0)
        if number >= len(video):
            raise InvalidInput(
                f"there is a cue for frame {number}, but the clip has frames 0 to {len(video) - 1}"
            )
        one = check_video(f"the cue of frame {number}", as_array(picture)[None])
        one = backend_of(one).to_host(one)
        if one.shape != (1, *video.shape[1:]):
            raise InvalidInput(
                f"the cue of frame {number} must have the shape of a frame, {video.shape[1:]}, "
                f"got {one.shape[1:]}"
            )
        places[number] = painted(video[number : number + 1], one)[0] > 0
        cue[number] = np.where(places[number][..., None], one[0], cue[number])
    if follow:
        _follow(cue, video, places, progress)
    return kernels.to_device(cue)


def _follow(
    cue: NDArray[Any],
    video: NDArray[Any],
    places: Mapping[int, Region],
    progress: Progress | bool | None,
) -> None:
    """Continue paint from some frames of a cue to all others, in place, colour by colour."""
    levels = ValueRange.of_values(video).quantize(cue).astype(np.int16)
    rest = {number: place.copy() for number, place in places.items()}
    labels = {number: np.zeros(place.shape, np.uint8) for number, place in places.items()}
    paints: list[NDArray[Any]] = []
    while len(paints) < MOST_COLOURS:
        colours = np.concatenate([levels[number][place] for number, place in rest.items()])
        if not len(colours):
            break
        different, counts = np.unique(colours, axis=0, return_counts=True)
        colour = different[counts.argmax()]
        alike = {
            number: place & (np.abs(levels[number] - colour) < SLIGHT).all(axis=2)
            for number, place in rest.items()
        }
        if sum(map(np.count_nonzero, alike.values())) < BREADTH**2:
            break  # only specks and soft edges are left
        first = next(number for number, place in alike.items() if place.any())
        paints.append(np.median(cue[first][alike[first]], axis=0).astype(cue.dtype))
        for number, place in alike.items():
            labels[number][place] = len(paints)
            rest[number] &= ~place
    if not paints:
        return
    found = track_labels(video, labels, progress=progress)
    for number, place in places.items():
        found[number][place] = 0  # it has paint already
    for number, paint in enumerate(paints, 1):
        cue[found == number] = paint
