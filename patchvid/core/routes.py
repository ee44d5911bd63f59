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

SHORTEST = 0.5  # share of the clip that a loop has at least, if it may choose its length
RANDOM_JUMPS = 8  # between which a long route chooses at random
EXITS = 32  # jumps from a frame that the end of a long route may take
DISCOUNT = 0.99  # of a cost, for every frame until it comes


class Room(NamedTuple):
    """The room that a jump needs in a route.

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


def find_route(costs: Costs, length: int | None, room: Room, seed: int) -> Route:
    """The best loop of a clip of `length` frames; None is the length that suits the clip."""
    n_frames = len(costs)
    if length is None:
        shortest = max(room.shortest, round(SHORTEST * n_frames))
        return Route.around(next(_ranked(costs, shortest, n_frames)))
    if length < room.shortest:
        raise InvalidInput(
            f"a loop must have {room.shortest} frames or more, got a length of {length}; "
            "give a larger length"
        )
    if length <= n_frames:
        return Route.around(next(_ranked(costs, length, length)))
    return _long_route(costs, length, room, seed)


def _ranked(costs: Costs, shortest: int, longest: int) -> Iterator[Jump]:
    """The jumps back that make loops of such lengths, best first: of little cost for their length.

    Of equals, the longer one comes first, and then the earlier one.
    """
    last, first = np.nonzero(np.tri(len(costs), dtype=bool))
    length = last + 1 - first
    fits = (length >= shortest) & (length <= longest)
    last, first, length = last[fits], first[fits], length[fits]
    order = np.lexsort((first, -length, (costs[last, first] + 1) / length))
    for i, j in zip(last[order].tolist(), first[order].tolist()):
        yield Jump(i, j, float(costs[i, j]))


def _long_route(costs: Costs, length: int, room: Room, seed: int) -> Route:
    """A loop that is longer than the clip.

    At first it jumps at random, by jumps that are cheap and lead to cheap ones. Its end is the
    cheapest way back to its beginning.
    """
    n_frames = len(costs)
    ranked = [
        jump
        for jump in _ranked(costs, room.shortest, n_frames)
        if _leaves_room(jump, n_frames, room)
    ]
    if not ranked:
        raise _no_such_length(length, n_frames)
    often = _apart(ranked, room)
    home = _arrival(often[0], room)
    ending = min(length, 2 * n_frames)
    exits = _exits(ranked, room)
    way_back = _costs_to(home, ending, exits, n_frames, room)
    if not math.isfinite(way_back[ending, home]):
        possible = np.flatnonzero(np.isfinite(way_back[: ending + 1, home]))
        raise _no_such_length(length, max(n_frames, int(possible.max())))

    random = np.random.default_rng(seed)
    future = _future_costs(often, n_frames, room)
    frames, jumps = [home], []
    while len(frames) <= length:
        place, left = frames[-1], length + 1 - len(frames)
        if left > ending:
            chosen = _choose(place, often, future, room, random)
        else:
            chosen = _turn_home(place, exits, way_back[:left], room)
        if chosen is None:
            frames.append(place + 1)
        else:
            jumps.append((len(frames) + room.half, chosen))
            frames += range(place + 1, chosen.last + 1)
            frames += range(chosen.first, _arrival(chosen, room) + 1)
    return Route(np.array(frames[:-1]), jumps)


def _choose(
    place: int, jumps: Sequence[Jump], future: Costs, room: Room, random: np.random.Generator
) -> Jump | None:
    """A jump from a frame, or None for the next frame, more often what costs less in the end."""
    choices = [None, *(jump for jump in jumps if _departure(jump, room) == place)]
    costs = np.array([_option_cost(choice, place, future, room) for choice in choices])
    spread = 0.5 * float(np.mean([jump.cost for jump in jumps])) + 1e-6
    likely = np.exp((costs.min() - costs) / spread)
    return choices[random.choice(len(choices), p=likely / likely.sum())]


def _turn_home(
    place: int, exits: dict[int, list[Jump]], way_back: Costs, room: Room
) -> Jump | None:
    """The jump from a frame, or None for the next frame, on the cheapest way back.

    `way_back` ends with the costs from the frames that may come next.
    """

    def cost(choice: Jump | None) -> float:
        if choice is not None:
            return choice.cost + float(way_back[-_duration(room), _arrival(choice, room)])
        return float(way_back[-1, place + 1]) if place + 1 < way_back.shape[1] else math.inf

    jumps = exits.get(place, []) if _duration(room) <= len(way_back) else []
    return min([None, *jumps], key=cost)


def _no_such_length(length: int, possible: int) -> InvalidInput:
    return InvalidInput(
        f"no loop of {length} frames can be made of this clip; give another length, "
        f"such as {possible}"
    )


# A route leaves its plain frames at the departure of a jump, and arrives at plain ones again, so
# that jumps keep their distance.


def _departure(jump: Jump, room: Room) -> int:
    return jump.last - room.half


def _arrival(jump: Jump, room: Room) -> int:
    return jump.first + room.half + room.gap - 1


def _duration(room: Room) -> int:
    return 2 * room.half + room.gap


def _leaves_room(jump: Jump, n_frames: int, room: Room) -> bool:
    return _departure(jump, room) >= 0 and _arrival(jump, room) < n_frames


def _apart(ranked: Sequence[Jump], room: Room) -> list[Jump]:
    """The best jumps that are not next to each other."""
    chosen: list[Jump] = []
    for jump in ranked:
        if all(
            max(abs(jump.last - other.last), abs(jump.first - other.first)) > room.half
            for other in chosen
        ):
            chosen.append(jump)
        if len(chosen) == RANDOM_JUMPS:
            break
    return chosen


def _exits(ranked: Sequence[Jump], room: Room) -> dict[int, list[Jump]]:
    """The best jumps that depart from each frame."""
    exits: dict[int, list[Jump]] = {}
    for jump in ranked:
        of_frame = exits.setdefault(_departure(jump, room), [])
        if len(of_frame) < EXITS:
            of_frame.append(jump)
    return exits


def _costs_to(
    home: int, longest: int, exits: dict[int, list[Jump]], n_frames: int, room: Room
) -> Costs:
    """The least cost of a way from a frame to `home`, by its number of frames and its start."""
    costs = np.full((longest + 1, n_frames), np.inf)
    costs[0, home] = 0
    jumps = [jump for of_frame in exits.values() for jump in of_frame]
    departures = np.array([_departure(jump, room) for jump in jumps])
    arrivals = np.array([_arrival(jump, room) for jump in jumps])
    prices = np.array([jump.cost for jump in jumps])
    for left in range(1, longest + 1):
        costs[left, :-1] = costs[left - 1, 1:]
        if left >= _duration(room):
            by_jump = prices + costs[left - _duration(room), arrivals]
            np.minimum.at(costs[left], departures, by_jump)
    return costs


def _future_costs(jumps: Sequence[Jump], n_frames: int, room: Room) -> Costs:
    """The discounted cost of going on for ever from each frame; infinite where the clip ends."""
    future = np.zeros(n_frames)
    for _ in range(n_frames * 10):
        new = np.full(n_frames, np.inf)
        new[:-1] = DISCOUNT * future[1:]
        for jump in jumps:
            departure = _departure(jump, room)
            by_jump = _option_cost(jump, departure, future, room)
            new[departure] = min(new[departure], by_jump)
        if np.array_equal(new, future):
            break
        future = new
    return future


def _option_cost(choice: Jump | None, place: int, future: Costs, room: Room) -> float:
    """The discounted cost of a jump, or of the next frame, and of all that follows."""
    if choice is not None:
        return choice.cost + DISCOUNT ** _duration(room) * float(future[_arrival(choice, room)])
    return DISCOUNT * float(future[place + 1]) if place + 1 < len(future) else math.inf
