"""Figure 6 as a picture: runtime by size of the frames, on logarithmic axes."""

from pathlib import Path
from typing import TYPE_CHECKING

from harness import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours of Okabe and Ito, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#555555", "#CC79A7")
MARKERS = {  # for each source of a number: its marker, and its line
    "measured": ({"marker": "o"}, "-"),
    "extrapolated": ({"marker": "o", "mfc": "white"}, ":"),
    "quoted": ({"marker": "s", "mfc": "white"}, "--"),
}
UNITS = {1: "1 s", 60: "1 min", 3600: "1 h", 86400: "1 day"}


def draw(rows: list[Row], path: Path, about: dict[str, str]) -> None:
    """Draw a line for each maker; `about` describes the machine, for the caption."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    for maker, colour in zip(dict.fromkeys(row["maker"] for row in rows), COLOURS):
        _draw_maker(axes, [row for row in rows if row["maker"] == maker], colour)
    heights = sorted({row["height"] for row in rows})
    axes.set_xlim(0.85 * heights[0], 2.3 * heights[-1])  # room for names after the lines
    axes.set_xticks(heights, [f"{height}p" for height in heights], fontsize=8)
    axes.minorticks_off()
    axes.set_xlabel("height of the frames")
    axes.set_ylabel("seconds for a video of 13 frames, 16:9")
    for seconds, name in UNITS.items():
        axes.axhline(seconds, color="0.85", lw=0.8, zorder=0)
        axes.annotate(
            name, (1, seconds), (3, 0), ("axes fraction", "data"), "offset points",
            color="0.5", fontsize=7, va="center",
        )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    for source in dict.fromkeys(row["source"] for row in rows):
        marker, line = MARKERS[source]
        axes.plot([], [], line, color="0.3", label=source, **marker)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False)
    figure.supxlabel(
        f"measured on {about['machine']}, at commit {about['commit']}, {about['date'][:10]}",
        fontsize=7, color="0.4", x=0.99, ha="right",
    )  # fmt: skip
    figure.savefig(path, dpi=200)


def _draw_maker(axes: "Axes", rows: list[Row], colour: str) -> None:
    """Draw a maker's points by height, and its name after the last or before a single one."""
    rows = sorted(rows, key=lambda row: row["height"])
    points = [(row["height"], row["seconds"]) for row in rows]
    _, line = MARKERS[rows[-1]["source"]]
    axes.plot(*zip(*points), line, color=colour)
    for point, row in zip(points, rows):
        marker, _ = MARKERS[row["source"]]
        axes.plot(*point, color=colour, **marker)
    behind = len(points) > 1
    axes.annotate(
        rows[0]["maker"].replace(", ", ",\n"), points[-1], (8 if behind else -8, 0),
        textcoords="offset points", color=colour, fontsize=8,
        ha="left" if behind else "right", va="center",
    )  # fmt: skip
