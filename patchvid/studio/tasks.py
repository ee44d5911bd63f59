"""The table of the studio's tasks and their settings.

One table serves the forms of the page, the Python calls, and the command lines that repeat them.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import patchvid
from patchvid.studio.errors import Refused

Kind = Literal["number", "whole", "flag", "choice", "size"]


class Setting(NamedTuple):
    """A setting of a task: its names in Python, on the command line and on the page."""

    name: str
    option: str
    label: str
    kind: Kind
    default: Any
    low: float = 0
    high: float = math.inf
    step: float = 1
    choices: tuple[str, ...] = ()
    help: str = ""
    more: bool = False  # hidden at first

    def check(self, value: Any) -> Any:
        """Convert a value from the page to Python's."""
        if value is None or value == "":
            return self.default
        if self.kind == "flag" and isinstance(value, bool):
            return value
        if self.kind == "choice" and value in self.choices:
            return value
        if self.kind in ("number", "whole") and _is_number(value, whole=self.kind == "whole"):
            if self.low <= value <= self.high:
                return value
            raise Refused(f"{self.label} must be from {self.low:g} to {self.high:g}, got {value:g}")
        if self.kind == "size" and _is_size(value):
            return tuple(value)
        raise Refused(f"{self.label} cannot be {value!r}")

    def words(self, value: Any) -> list[str]:
        """Return the words of the command line that set the value; none for the default."""
        if value == self.default:
            return []
        if value is True:
            return [self.option]
        return [self.option, ",".join(map(str, value)) if self.kind == "size" else str(value)]


class Task(NamedTuple):
    """Something to make.

    Attributes
    ----------
    title
        Its name on the page.
    about
        Its result, in one sentence.
    command
        The same task as a command.
    make
        The function of patchvid.
    ending
        Added to the clip's name.
    layers
        The layers of paint that it uses.
    needs
        The input that it requires, if any: "paint", "style", "size".
    keeps_order
        Whether the output keeps the timing of the clip, so that its sound fits.
    """

    title: str
    about: str
    command: str
    make: Callable[..., Any]
    ending: str
    settings: tuple[Setting, ...]
    layers: tuple[str, ...] = ()
    needs: str = ""
    keeps_order: bool = True


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and (not whole or value == int(value))


def _is_size(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    return all(_is_number(n, whole=True) and n > 0 for n in value)


SEED = Setting(
    "seed", "--seed", "Seed", "whole", None, high=2**53,
    help="The same seed gives the same video. Empty: a new seed each time.", more=True,
)  # fmt: skip
SAMPLES = Setting("samples", "-n", "Samples", "whole", 1, low=1, high=9)
SIZE = Setting("size", "--size", "Size", "size", None, help="Frames, height and width.")
LOOP = Setting("loop", "--loop", "Loop", "flag", False, help="The last frame leads to the first.")
TILE = Setting(
    "tile", "--tile", "Tile", "choice", "", choices=("", "x", "y", "xy"),
    help="Copies laid side by side show no seam.", more=True,
)  # fmt: skip
ITERATIONS = Setting(
    "iterations", "--iterations", "Iterations", "whole", None, low=1, high=100,
    help="Searches and votes on each level. Empty: chosen by the size.", more=True,
)  # fmt: skip
REDUCE = Setting(
    "reduce", "--reduce", "Overlaps", "choice", "median", choices=("median", "mean"),
    help="How to combine overlapping patches.", more=True,
)  # fmt: skip


def _alpha(default: float) -> Setting:
    return Setting(
        "alpha", "--alpha", "Completeness", "number", default, low=0.01, high=1e6, step=0.01,
        help="The smaller, the more of the clip appears.", more=True,
    )  # fmt: skip


TASKS = {
    "inpaint": Task(
        "Remove or add", "Removes what you paint over, or adds something from the clip where you "
        "paint its colours.",
        "inpaint", patchvid.inpaint, "_inpaint",
        (
            Setting(
                "grow", "--grow", "Margin", "whole", None, high=200,
                help="Pixels around the paint to fill as well. Empty: none, or a twentieth of the "
                "shorter side if only colours are painted.",
            ),
            SAMPLES, LOOP._replace(more=True), TILE, ITERATIONS, REDUCE, SEED,
        ),
        layers=("remove", "source", "cue"), needs="paint",
    ),
    "generate": Task(
        "New video", "New videos that look and move like the clip.",
        "gen", patchvid.generate, "_gen",
        (
            SAMPLES,
            Setting(
                "novelty", "--novelty", "Novelty", "number", 0.75, high=1, step=0.05,
                help="How far the layout departs from the clip.",
            ),
            Setting(
                "structure", "--structure", "Structure", "number", None, high=1, step=0.05,
                help="How firmly the layout keeps colours at their height and side in the clip. "
                "Empty: chosen by the clip.",
            ),
            LOOP, SIZE, TILE, _alpha(15), ITERATIONS, REDUCE, SEED,
        ),
        keeps_order=False,
    ),
    "loop": Task(
        "Loop", "The clip as a loop: its last frame leads to the first.",
        "loop", patchvid.loop, "_loop",
        (
            Setting(
                "length", "--length", "Frames", "whole", None, low=1, high=100_000,
                help="Empty: the stretch of the clip that loops best. A loop longer than the clip "
                "jumps back several times.",
            ),
            Setting(
                "join", "--join", "Join", "whole", None, low=1, high=1000, more=True,
                help="Frames that change on each side of a jump. Empty: a fifth of the clip, at "
                "most 8.",
            ),
            ITERATIONS, REDUCE, SEED,
        ),
        keeps_order=False,
    ),
    "retarget": Task(
        "New size", "Another width, height or length, in which objects keep their shape. "
        "Areas painted with Keep do not change.",
        "retarget", patchvid.retarget, "_retarget",
        (SIZE, LOOP, TILE, _alpha(100), ITERATIONS, REDUCE, SEED),
        layers=("keep",), needs="size",
    ),
    "analogy": Task(
        "Another look", "The layout of this clip with the look of another one.",
        "analogy", patchvid.analogy, "_analogy",
        (
            Setting(
                "structure", "--structure", "Layout by", "choice", "flow",
                choices=("flow", "luma", "contrast"), help="What to compare in the clips: "
                "motion, brightness, or contrast with the surroundings.",
            ),
            Setting(
                "structure_levels", "--structure-levels", "Faithfulness", "number", 0.5,
                low=0.01, high=1, step=0.01, more=True,
                help="Higher values keep more of the layout, lower ones more of the look.",
            ),
            SAMPLES, _alpha(16256.25), REDUCE, SEED,
        ),
        needs="style",
    ),
}  # fmt: skip


def check_settings(task: Task, given: Any) -> dict[str, Any]:
    """Check the settings of a task, and add defaults for missing ones."""
    if not isinstance(given, Mapping):
        raise Refused(f"settings must be an object, got {given!r}")
    return {setting.name: setting.check(given.get(setting.name)) for setting in task.settings}


def changed(task: Task, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that differ from the defaults."""
    defaults = {setting.name: setting.default for setting in task.settings}
    return {name: value for name, value in settings.items() if value != defaults[name]}


def words(task: Task, settings: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line with these settings."""
    return [word for setting in task.settings for word in setting.words(settings[setting.name])]


def describe_tasks() -> dict[str, Any]:
    """Return the tasks as data for the page's forms."""
    return {
        name: {
            "title": task.title, "about": task.about,
            "layers": task.layers, "needs": task.needs,
            "settings": [
                {**setting._asdict(), "high": None if setting.high == math.inf else setting.high}
                for setting in task.settings
            ],
        }
        for name, task in TASKS.items()
    }  # fmt: skip
