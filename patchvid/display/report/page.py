"""The page of a report: its frame, its style, and the script that plays all films in step.

It is one file that fetches nothing, which its security policy makes sure of. Without the script
every film has controls of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template

from patchvid.display.notebook import data_uri

PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
<form id="player" hidden>
<button type="button" id="play" aria-label="Play or pause">Pause</button>
<input type="range" id="frame" min="0" value="0" step="1" aria-label="Frame">
<output id="place" for="frame"></output>
<select id="speed" aria-label="Speed">
<option value="0.25">&frac14;&times;</option><option value="0.5">&frac12;&times;</option>
<option value="1" selected>1&times;</option><option value="2">2&times;</option>
</select>
</form>
<script>$script</script>
</body>
</html>
""")

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --ground: #fff; --ink: #1b1b1f }
@media (prefers-color-scheme: dark) { :root { --ground: #16171b; --ink: #e6e6ea } }
* { box-sizing: border-box }
body { margin: 0; padding: 1rem 1rem 5rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 72rem; margin: auto }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .5rem 0; max-width: 45rem }
.films { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start }
figure { margin: 0; min-width: 0; max-width: 100%; flex: 0 1 calc(var(--aspect) * 12rem) }
@media (max-width: 40rem) { figure { flex-grow: 1 } }
figcaption { font-size: .85rem; overflow-wrap: anywhere }
video { display: block; width: 100%; background: var(--soft); border-radius: .25rem;
  margin-bottom: .25rem }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start }
section { min-width: 0; max-width: 100% }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top }
td.number, th.number { text-align: right; white-space: nowrap }
td.text { overflow-wrap: break-word }
pre { padding: .6rem; background: var(--soft); border-radius: .25rem; white-space: pre-wrap;
  overflow-wrap: anywhere; user-select: all }
#player { position: fixed; inset: auto 0 0; padding: .6rem 1rem; background: var(--ground);
  border-top: 1px solid var(--line) }
#player:not([hidden]) { display: flex; gap: .8rem; align-items: center }
#player button { min-width: 5rem; min-height: 2.5rem; font: inherit }
#player input { flex: 1; min-width: 4rem; min-height: 2.5rem }
#player select { min-height: 2.5rem; font: inherit }
#player output { font-variant-numeric: tabular-nums; white-space: nowrap }
"""

# The longest film leads. The others follow their own clocks, are put right when they stray by more
# than a frame, and wait with their last frame; when the leader ends all begin again together.
SCRIPT = """
const films = [...document.querySelectorAll("video")];
const lengths = new Map(films.map(film => [film, Number(film.dataset.frames)]));
const leader = films.reduce((a, b) => lengths.get(b) > lengths.get(a) ? b : a);
const total = lengths.get(leader), fps = Number(leader.dataset.fps);
const [player, play, frame, place, speed] =
  ["player", "play", "frame", "place", "speed"].map(id => document.getElementById(id));
let playing = false;

const settled = film => film.readyState >= 2 && !film.seeking ? null : new Promise(done => {
  for (const event of ["seeked", "loadeddata"]) film.addEventListener(event, done, {once: true});
});
const time = (film, n) => (Math.min(n, lengths.get(film) - 1) + 0.5) / fps;
const current = () => Math.min(total - 1, Math.floor(leader.currentTime * fps));

function tell(n) {
  frame.value = n;
  place.textContent = `${n + 1} / ${total}`;
  play.textContent = playing ? "Pause" : "Play";
}
async function show(n) {
  for (const film of films) film.currentTime = time(film, n);
  await Promise.all(films.map(settled));
}
async function start(n) {
  playing = true;
  await show(n);
  if (!playing) return;
  for (const film of films) film.playbackRate = Number(speed.value);
  try {
    await Promise.all(films.map(film => film.play()));
  } catch {
    stop();
  }
  requestAnimationFrame(follow);
}
function stop() {
  playing = false;
  for (const film of films) film.pause();
  tell(current());
}
function follow() {
  if (!playing) return;
  if (leader.ended) { start(0); return; }
  for (const film of films) {
    const apart = Math.abs(film.currentTime - leader.currentTime);
    const over = leader.currentTime * fps >= lengths.get(film) - 1;
    if (!over && !film.seeking && apart * fps > 1) film.currentTime = leader.currentTime;
  }
  tell(current());
  requestAnimationFrame(follow);
}

for (const film of films) film.controls = false;
if (total > 1) {
  player.hidden = false;
  frame.max = total - 1;
  tell(0);
  play.onclick = () => playing ? stop() : start(current() >= total - 1 ? 0 : current());
  frame.oninput = () => { const n = Number(frame.value); stop(); show(n); tell(n); };
  speed.onchange = () => { for (const film of films) film.playbackRate = Number(speed.value); };
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) start(0);
}
"""


def figure(
    films: Mapping[str, bytes], name: str, note: str, shape: Sequence[int], fps: float
) -> str:
    """Films by their labels, one below the other, of (t, y, x) and with one caption."""
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
    """A part of the page."""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{html}</section>\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: bool = False) -> str:
    """A table of text; in a numeric one all columns but the first hold numbers."""
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
