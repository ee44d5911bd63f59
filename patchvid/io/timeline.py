"""Convert variable frame times to a constant frame rate.

Most clips have a constant rate, up to rounding and jitter, and keep their frames. In others some
frames show for longer: screen recordings, animations, clips of phones that dropped frames. These
are resampled to the rate at which most of their frames show.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

_LONGEST = 1.75  # intervals of an even clip, relative to their mean; 2:3 pulldown has 1.2
_MOST_CUT = 16  # frames that may be missing in a row because a clip was cut
_HALF = 0.499  # a time half-way between two frames shows the earlier one, even if rounded up
_ALIKE = 0.1  # largest relative difference of intervals that count as equal


class Timeline(NamedTuple):
    """Frames at a constant rate.

    Attributes
    ----------
    fps
        Frames per second, or None if unknown.
    order
        Index of the stored frame that shows in each frame.
    is_variable
        Whether stored frames show for different times, so that some are repeated or left out.
    """

    fps: float | None
    order: NDArray[np.intp]
    is_variable: bool = False


def even_out(
    times: Seconds,
    held: float = 0.0,
    *,
    resolution: float = 0.0,
    stated: Iterable[Fraction] = (),
    n_cut: int = 0,
) -> Timeline:
    """Find the rate of a clip, and the stored frame that each of its frames shows.

    Parameters
    ----------
    times
        When each stored frame begins to show, in seconds, ascending.
    held
        For how long the last one shows, in seconds, if known.
    resolution
        Seconds to which times are rounded.
    stated
        Rates that the file states. The first one that fits the times is taken as exact.
    n_cut
        Number of frames at the end among which a few may be missing because the clip was cut.
    """
    rates = list(stated)
    n_frames = len(times)
    # Videos state a rate, but often not how long the last frame shows; pictures do the reverse.
    edges = times if rates or not held else np.append(times, times[-1] + held)
    if len(edges) < 2 or edges[-1] <= edges[0]:
        fps = float(rates[0]) if rates else 1 / held if held else None
        return Timeline(fps, np.arange(n_frames))
    steps = np.diff(edges)
    if n_cut:
        usual, tail = np.median(steps), steps[-n_cut:]
        tail[(tail > usual * (1 + _ALIKE)) & (tail < usual * _MOST_CUT)] = usual
        edges = edges[0] + np.cumsum([0, *steps])
    mean = steps.mean()
    late = edges - edges[0] - np.arange(len(edges)) * mean
    if steps.max() <= _LONGEST * mean and np.ptp(late) < mean:
        error = resolution / (edges[-1] - edges[0]) + 1e-4
        return Timeline(_nearest(1 / mean, rates, error), np.arange(n_frames))
    return resampled(times, held, _nearest(1 / _usual(steps), rates, 5e-3))


def resampled(times: Seconds, held: float, fps: float) -> Timeline:
    """Take the stored frame that shows in each frame of a given rate."""
    late = times - times[0]
    slots = np.floor(late * fps + _HALF).astype(np.intp)
    n_frames = max(slots[-1] + 1, int(np.floor((late[-1] + held) * fps + _HALF)))
    order = np.searchsorted(slots, np.arange(n_frames), side="right") - 1
    return Timeline(fps, order, is_variable=True)


def _usual(steps: Seconds) -> float:
    """The mean of the most common interval and similar ones; the median if none is common."""
    ordered = np.sort(steps[steps > 0])
    ends = np.searchsorted(ordered, ordered * (1 + _ALIKE), side="right")
    alike = ends - np.arange(len(ordered))
    start = int(np.argmax(alike))
    if 2 * alike[start] < len(ordered):
        return float(np.median(ordered))
    return float(ordered[start : ends[start]].mean())


def _nearest(fps: float, rates: Sequence[Fraction], error: float) -> float:
    """The rate next to a measured one, if it is within a relative error."""
    nearest = min(map(float, rates), key=lambda rate: abs(rate / fps - 1), default=0.0)
    return nearest if abs(nearest / fps - 1) < error else round(float(fps), 6)
