"""Choose the order of the frames of a loop, from the costs of jumps.

A route plays the clip forward, and jumps back where frames are alike and move alike.

Reference: A. Schödl et al., "Video Textures" (SIGGRAPH 2000): the future cost.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from patchvid.core.jumps import Costs, Jump
from patchvid.errors import InvalidInput

SHORTEST = 0.5  # least share of the clip in a loop whose length is not given
RANDOM_JUMPS = 8  # jumps among which a long route chooses at random
EXITS = 32  # jumps from each frame among which the end of a long route chooses
DISCOUNT = 0.99  # factor of a cost for every frame before it


class Spacing(NamedTuple):
    """The frames that a jump needs around it in a route.

    Attributes
    ----------
    half
        Frames that change on each side of the jump.
    gap
        Frames between two jumps that do not change.
    """

    half: int
    gap: int

    @property
    def shortest(self) -> int:
        """The number of frames of the shortest loop."""
        return 2 * self.half + self.gap


class Route(NamedTuple):
    """The frames of a loop, by their numbers in the clip, and its jumps.

    Every jump comes with the position of its first frame in the route.
    """

    frames: NDArray[np.int64]
    jumps: list[tuple[int, Jump]]

    @classmethod
    def around(cls, jump: Jump) -> Self:
        """The loop that a single jump closes."""
        return cls(np.arange(jump.first, jump.last + 1), [(0, jump)])


def find_route(costs: Costs, length: int | None, spacing: Spacing, seed: int) -> Route:
    """The best loop of `length` frames; None is the length that suits the clip."""
    n_frames = len(costs)
    if length is None:
        shortest = max(spacing.shortest, round(SHORTEST * n_frames))
        return Route.around(next(_ranked(costs, shortest, n_frames)))
    if length < spacing.shortest:
        raise InvalidInput(
            f"a loop must have {spacing.shortest} frames or more, got a length of {length}; "
            "give a larger length"
        )
    if length <= n_frames:
        return Route.around(next(_ranked(costs, length, length)))
    return _long_route(costs, length, spacing, seed)


def _ranked(costs: Costs, shortest: int, longest: int) -> Iterator[Jump]:
    """The jumps that close loops of these lengths, lowest cost for their length first.

    Of equals, longer loops come first, then earlier ones.
    """
    last, first = np.nonzero(np.tri(len(costs), dtype=bool))
    length = last + 1 - first
    fits = (length >= shortest) & (length <= longest)
    last, first, length = last[fits], first[fits], length[fits]
    order = np.lexsort((first, -length, (costs[last, first] + 1) / length))
    for i, j in zip(last[order].tolist(), first[order].tolist()):
        yield Jump(i, j, float(costs[i, j]))


def _long_route(costs: Costs, length: int, spacing: Spacing, seed: int) -> Route:
    """A loop that is longer than the clip.

    At first it picks jumps at random, preferring cheap ones that lead to other cheap ones. Its end
    is the cheapest way back to its beginning.
    """
    n_frames = len(costs)
    ranked = [
        jump
        for jump in _ranked(costs, spacing.shortest, n_frames)
        if _fits(jump, n_frames, spacing)
    ]
    if not ranked:
        raise _no_such_length(length, n_frames)
    often = _apart(ranked, spacing)
    home = _arrival(often[0], spacing)
    ending = min(length, 2 * n_frames)
    exits = _exits(ranked, spacing)
    way_back = _costs_to(home, ending, exits, n_frames, spacing)
    if not math.isfinite(way_back[ending, home]):
        possible = np.flatnonzero(np.isfinite(way_back[: ending + 1, home]))
        raise _no_such_length(length, max(n_frames, int(possible.max())))

    random = np.random.default_rng(seed)
    future = _future_costs(often, n_frames, spacing)
    frames, jumps = [home], []
    while len(frames) <= length:
        place, left = frames[-1], length + 1 - len(frames)
        if left > ending:
            chosen = _choose(place, often, future, spacing, random)
        else:
            chosen = _turn_home(place, exits, way_back[:left], spacing)
        if chosen is None:
            frames.append(place + 1)
        else:
            jumps.append((len(frames) + spacing.half, chosen))
            frames += range(place + 1, chosen.last + 1)
            frames += range(chosen.first, _arrival(chosen, spacing) + 1)
    return Route(np.array(frames[:-1]), jumps)


def _choose(
    place: int, jumps: Sequence[Jump], future: Costs, spacing: Spacing, random: np.random.Generator
) -> Jump | None:
    """Pick a jump from a frame, or None for the next frame; lower future costs are likelier."""
    choices = [None, *(jump for jump in jumps if _departure(jump, spacing) == place)]
    costs = np.array([_option_cost(choice, place, future, spacing) for choice in choices])
    spread = 0.5 * float(np.mean([jump.cost for jump in jumps])) + 1e-6
    likely = np.exp((costs.min() - costs) / spread)
    return choices[random.choice(len(choices), p=likely / likely.sum())]


def _turn_home(
    place: int, exits: dict[int, list[Jump]], way_back: Costs, spacing: Spacing
) -> Jump | None:
    """The jump from a frame, or None for the next frame, on the cheapest way back.

    `way_back` ends with the costs from the frames that may come next.
    """

    def cost(choice: Jump | None) -> float:
        if choice is not None:
            return choice.cost + float(way_back[-_duration(spacing), _arrival(choice, spacing)])
        return float(way_back[-1, place + 1]) if place + 1 < way_back.shape[1] else math.inf

    jumps = exits.get(place, []) if _duration(spacing) <= len(way_back) else []
    return min([None, *jumps], key=cost)


def _no_such_length(length: int, possible: int) -> InvalidInput:
    return InvalidInput(
        f"no loop of {length} frames can be made of this clip; give another length, "
        f"such as {possible}"
    )


# A jump takes its route from a departure frame to an arrival frame. The frames between are its own,
# so jumps keep their distance.


def _departure(jump: Jump, spacing: Spacing) -> int:
    return jump.last - spacing.half


def _arrival(jump: Jump, spacing: Spacing) -> int:
    return jump.first + spacing.half + spacing.gap - 1


def _duration(spacing: Spacing) -> int:
    return 2 * spacing.half + spacing.gap


def _fits(jump: Jump, n_frames: int, spacing: Spacing) -> bool:
    return _departure(jump, spacing) >= 0 and _arrival(jump, spacing) < n_frames


def _apart(ranked: Sequence[Jump], spacing: Spacing) -> list[Jump]:
    """The best jumps that are not next to each other."""
    chosen: list[Jump] = []
    for jump in ranked:
        if all(
            max(abs(jump.last - other.last), abs(jump.first - other.first)) > spacing.half
            for other in chosen
        ):
            chosen.append(jump)
        if len(chosen) == RANDOM_JUMPS:
            break
    return chosen


def _exits(ranked: Sequence[Jump], spacing: Spacing) -> dict[int, list[Jump]]:
    """The best jumps that depart from each frame."""
    exits: dict[int, list[Jump]] = {}
    for jump in ranked:
        of_frame = exits.setdefault(_departure(jump, spacing), [])
        if len(of_frame) < EXITS:
            of_frame.append(jump)
    return exits


def _costs_to(
    home: int, longest: int, exits: dict[int, list[Jump]], n_frames: int, spacing: Spacing
) -> Costs:
    """The least cost of a way to `home`, indexed by its number of frames and its first frame."""
    costs = np.full((longest + 1, n_frames), np.inf)
    costs[0, home] = 0
    jumps = [jump for of_frame in exits.values() for jump in of_frame]
    departures = np.array([_departure(jump, spacing) for jump in jumps])
    arrivals = np.array([_arrival(jump, spacing) for jump in jumps])
    prices = np.array([jump.cost for jump in jumps])
    for left in range(1, longest + 1):
        costs[left, :-1] = costs[left - 1, 1:]
        if left >= _duration(spacing):
            by_jump = prices + costs[left - _duration(spacing), arrivals]
            np.minimum.at(costs[left], departures, by_jump)
    return costs


def _future_costs(jumps: Sequence[Jump], n_frames: int, spacing: Spacing) -> Costs:
    """The discounted cost of going on for ever from each frame; infinite where the clip ends."""
    future = np.zeros(n_frames)
    for _ in range(n_frames * 10):
        new = np.full(n_frames, np.inf)
        new[:-1] = DISCOUNT * future[1:]
        for jump in jumps:
            departure = _departure(jump, spacing)
            by_jump = _option_cost(jump, departure, future, spacing)
            new[departure] = min(new[departure], by_jump)
        if np.array_equal(new, future):
            break
        future = new
    return future


def _option_cost(choice: Jump | None, place: int, future: Costs, spacing: Spacing) -> float:
    """The discounted cost of a jump, or of the next frame, and of all that follows."""
    if choice is not None:
        return choice.cost + DISCOUNT ** _duration(spacing) * float(
            future[_arrival(choice, spacing)]
        )
    return DISCOUNT * float(future[place + 1]) if place + 1 < len(future) else math.inf
