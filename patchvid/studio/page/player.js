// Frames one by one, exactly as they are; and films, which play in step.

import "./picture.js";
import * as api from "./api.js";
import {$, h, tell} from "./dom.js";
import {change, frameOf, on, state} from "./state.js";

const slider = $("frame"), play = $("play");
const panes = [["before", () => "clip"], ["after", () => state.result?.number]].map(([id, name]) => {
  const pane = $(id);
  return {pane, name, canvas: pane.querySelector("canvas.frame"), film: pane.querySelector("video"),
    wanted: "", loaded: ""};
});
const pictures = new Map(); // decoded frames by address
const MOST = 48;

const videoOf = pane => pane.pane.id === "before" ? state.clip : state.result;
const id = pane => pane.pane.id === "before" ? `clip ${state.version}` : `${state.result?.number}`;
const isShown = pane => !pane.pane.hidden && videoOf(pane);

async function picture(address, id) {
  const key = `${id} ${address}`;
  if (!pictures.has(key)) {
    if (pictures.size >= MOST) pictures.delete(pictures.keys().next().value);
    pictures.set(key, api.getBlob(address).then(createImageBitmap));
  }
  return pictures.get(key);
}

// Draws the frame of a pane, unless another one is wanted by the time it is here.
async function draw(pane) {
  const video = videoOf(pane);
  if (!video) return;
  const number = pane.pane.id === "before" ? state.frame : frameOf(video);
  const address = `videos/${pane.name()}/frames/${number}`, wanted = `${id(pane)} ${number}`;
  pane.wanted = wanted;
  try {
    const image = await picture(address, id(pane));
    if (pane.wanted !== wanted) return;
    pane.canvas.width = image.width;
    pane.canvas.height = image.height;
    pane.canvas.getContext("2d").drawImage(image, 0, 0);
  } catch (error) {
    tell(error.message);
  }
}

async function load(pane) {
  if (pane.loaded === id(pane)) return;
  const blob = await api.getBlob(`videos/${pane.name()}/film`);
  if (pane.film.src) URL.revokeObjectURL(pane.film.src);
  pane.film.src = URL.createObjectURL(blob);
  pane.loaded = id(pane);
  if (pane.film.readyState < 2) {
    await new Promise((done, failed) => {
      pane.film.addEventListener("loadeddata", done, {once: true});
      pane.film.addEventListener("error", () => failed(new Error("this browser cannot play the film")),
        {once: true});
    });
  }
}

async function start() {
  const shown = panes.filter(isShown);
  change({playing: true});
  try {
    await Promise.all(shown.map(load));
    if (!state.playing) return;
    const last = state.frame >= state.clip.shape[0] - 1;
    const time = last ? 0 : (state.frame + 0.5) / state.clip.fps;
    for (const pane of shown) {
      pane.film.currentTime = Math.min(time, pane.film.duration - 1e-3);
      pane.film.loop = false;
    }
    await Promise.all(shown.map(pane => pane.film.play()));
    for (const pane of shown) { pane.film.hidden = false; pane.canvas.hidden = true; }
    requestAnimationFrame(() => follow(shown));
  } catch (error) {
    stop();
    if (error.name !== "AbortError") tell(error.message);
  }
}

export function stop() {
  for (const {film, canvas} of panes) {
    film.pause();
    film.hidden = true;
    canvas.hidden = false;
  }
  change({playing: false});
}

// The film that lasts longest leads; when it ends, all of them start again.
function follow(shown) {
  if (!state.playing) return;
  const leader = shown.reduce((a, b) => b.film.duration > a.film.duration ? b : a).film;
  if (leader.ended) {
    for (const {film} of shown) { film.currentTime = 0; film.play().catch(stop); }
  }
  for (const {film} of shown) {
    const late = Math.abs(film.currentTime - leader.currentTime) * state.clip.fps;
    if (film !== leader && !film.ended && !film.seeking && late > 1) {
      film.currentTime = leader.currentTime;
    }
  }
  const at = Math.floor(leader.currentTime * state.clip.fps);
  change({frame: Math.min(at, state.clip.shape[0] - 1)});
  requestAnimationFrame(() => follow(shown));
}

export function toggle() {
  if (state.playing) stop();
  else if (state.clip.shape[0] > 1) start();
}

export function go(frame) {
  if (state.playing) stop();
  change({frame: Math.min(Math.max(frame, 0), state.clip.shape[0] - 1)});
}

function show() {
  if (!state.clip) return;
  const last = state.clip.shape[0] - 1;
  slider.max = last;
  slider.value = state.frame;
  $("place").textContent = `${state.frame} / ${last}`;
  play.textContent = state.playing ? "Pause" : "Play";
  play.disabled = last === 0;
  if (!state.playing) for (const pane of panes) draw(pane);
}

// Marks below the timeline: painted frames as dots, and frames to which the paint follows as lines.
function drawMarks() {
  if (!state.clip) return;
  const n_frames = state.clip.shape[0], share = frame => `${100 * frame / Math.max(n_frames - 1, 1)}%`;
  const {keys, followed, lost} = state.layers[state.layer];
  const lines = [];
  for (let first = 0; followed && first < n_frames; first++) {
    if (lost.includes(first)) continue;
    let last = first;
    while (last + 1 < n_frames && !lost.includes(last + 1)) last++;
    const line = h("b");
    line.style.left = share(first);
    line.style.width = share(last - first);
    lines.push(line);
    first = last;
  }
  $("marks").replaceChildren(...lines, ...keys.map(frame => {
    const mark = h("i", {title: `painted in frame ${frame}`});
    mark.style.left = share(frame);
    return mark;
  }));
}

slider.addEventListener("input", () => go(Number(slider.value)));
play.addEventListener("click", toggle);
$("back").addEventListener("click", () => go(state.frame - 1));
$("forth").addEventListener("click", () => go(state.frame + 1));
on("frame playing result version clip view", show);
on("view result version", () => { if (state.playing) stop(); });
on("layers layer version", drawMarks);
