// All films play in step. The longest one leads. The others run on their own clocks, are corrected
// when they are off by more than a frame, and wait on their last frame until the leader ends. Then
// all of them start again together.

const films = [...document.querySelectorAll("video")];
const lengths = new Map(films.map(film => [film, Number(film.dataset.frames)]));
const leader = films.reduce((a, b) => lengths.get(b) > lengths.get(a) ? b : a);
const total = lengths.get(leader), fps = Number(leader.dataset.fps);
const [player, play, frame, place, speed] =
  ["player", "play", "frame", "place", "speed"].map(id => document.getElementById(id));
let playing = false;

const ready = film => film.readyState >= 2 && !film.seeking ? null : new Promise(done => {
  for (const event of ["seeked", "loadeddata"]) film.addEventListener(event, done, {once: true});
});
const time = (film, n) => (Math.min(n, lengths.get(film) - 1) + 0.5) / fps;
const current = () => Math.min(total - 1, Math.floor(leader.currentTime * fps));

function update(n) {
  frame.value = n;
  place.textContent = `${n + 1} / ${total}`;
  play.textContent = playing ? "Pause" : "Play";
}
async function show(n) {
  for (const film of films) film.currentTime = time(film, n);
  await Promise.all(films.map(ready));
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
  update(current());
}
function follow() {
  if (!playing) return;
  if (leader.ended) { start(0); return; }
  for (const film of films) {
    const drift = Math.abs(film.currentTime - leader.currentTime);
    const waits = leader.currentTime * fps >= lengths.get(film) - 1;
    if (!waits && !film.seeking && drift * fps > 1) film.currentTime = leader.currentTime;
  }
  update(current());
  requestAnimationFrame(follow);
}

for (const film of films) film.controls = false;
if (total > 1) {
  player.hidden = false;
  frame.max = total - 1;
  update(0);
  play.onclick = () => playing ? stop() : start(current() >= total - 1 ? 0 : current());
  frame.oninput = () => { const n = Number(frame.value); stop(); show(n); update(n); };
  speed.onchange = () => { for (const film of films) film.playbackRate = Number(speed.value); };
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) start(0);
}
