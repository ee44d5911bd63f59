"""The page of a report, made of ``page.html``, ``style.css`` and ``player.js``.

The page is one file that fetches nothing; its content security policy enforces that. The script
plays all films in step; without it, every film has controls of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from patchvid.display.notebook import data_uri


def fill_page(title: str, body: str) -> str:
    """The whole page with its body filled in."""
    html, style, script = (
        files(__package__).joinpath(name).read_text("utf-8")
        for name in ("page.html", "style.css", "player.js")
    )
    return Template(html).substitute(title=escape(title), style=style, script=script, body=body)


def figure(
    films: Mapping[str, bytes], name: str, note: str, shape: Sequence[int], fps: float
) -> str:
    """Films of one shape (t, y, x) by their labels, one below the other, with a caption."""
    n_frames, height, width = shape[:3]
    html = f'<figure style="--aspect: {width / height:.3f}">\n'
    for label, mp4 in films.items():
        html += (
            f'<video data-frames="{n_frames}" data-fps="{fps}" controls muted playsinline '
            f'preload="auto" aria-label="{escape(label)}" src="{data_uri("video/mp4", mp4)}">'
            "</video>\n"
        )
    caption = f"<b>{escape(name)}</b> {escape(note)}"
    return f"{html}<figcaption>{caption}</figcaption>\n</figure>\n"


def section(heading: str, html: str) -> str:
    """A part of the page under a heading."""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{html}</section>\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: bool = False) -> str:
    """A table of text; in a numeric one, all columns but the first hold numbers."""
    kinds = ["text", "number" if numeric else "text"]

    def line(cells: Sequence[str], tag: str) -> str:
        marked = (
            f'<{tag} class="{kinds[min(at, 1)]}">{escape(cell)}</{tag}>'
            for at, cell in enumerate(cells)
        )
        return f"<tr>{''.join(marked)}</tr>\n"

    head = line(header, "th") if header else ""
    body = "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table>\n{head}{body}</table></div>\n'
