// The picture: its size on the page, what is shown of the clip and of a result, and pointers on it.

import "./picture.js";
import {$, choice, h} from "./dom.js";
import * as painter from "./painter.js";
import {change, layersInUse, on, state} from "./state.js";

const stage = $("stage"), before = $("before"), after = $("after"), pointer = $("pointer");
const VIEWS = [
  ["clip", "Clip", "The clip, to paint on (1)"], ["result", "Result", "The result (2)"],
  ["side", "Both", "Side by side (3)"], ["slider", "Slider", "The result over the clip (4)"],
];
const STEP = 1.25, MOST_ZOOM = 32;
let fitted = true;

// Sizes in pixels of the page. A result is as high as the clip where it is a preview of it.
function sizes() {
  const [, height, width] = state.clip.shape;
  const own = [width * state.zoom, height * state.zoom];
  if (!state.result) return {own, other: own};
  const [, resultHeight, resultWidth] = state.result.shape;
  const scale = state.result.preview ? height / resultHeight : 1;
  return {own, other: [resultWidth * scale * state.zoom, resultHeight * scale * state.zoom]};
}

export function fitsSlider() {
  if (!state.result) return false;
  const {own, other} = sizes();
  return Math.abs(own[0] - other[0]) < 0.03 * own[0] && Math.abs(own[1] - other[1]) < 0.03 * own[1];
}

function layOut() {
  if (!state.clip) return;
  const {own, other} = sizes(), {view} = state;
  const over = view === "slider";
  const set = (pane, [width, height]) => {
    pane.style.width = `${Math.round(width)}px`;
    pane.style.height = `${Math.round(height)}px`;
  };
  set(before, own);
  set(after, over ? own : other);
  before.hidden = view === "result";
  after.hidden = view === "clip" || !state.result;
  $("paint").hidden = !["clip", "side"].includes(view);
  stage.classList.toggle("paints", layersInUse().includes(state.layer));
  $("panes").className = over ? "over" : "";
  after.style.clipPath = over ? `inset(0 0 0 ${state.split}%)` : "";
  $("divider").hidden = !over;
  $("divider").style.left = `${own[0] * state.split / 100}px`;
  $("split-label").hidden = !over;
  stage.classList.toggle("close", state.zoom >= 4);
}

export function fit() {
  const [, height, width] = state.clip.shape;
  const wide = state.view === "side" && state.result ? width + sizes().other[0] / state.zoom : width;
  const zoom = Math.min((stage.clientWidth - 4) / wide, (stage.clientHeight - 4) / height);
  fitted = true;
  change({zoom: Math.max(zoom, 0.05)});
}

// Zooms by a factor, and keeps a point of the page in its place.
export function zoomBy(factor, clientX, clientY) {
  const box = stage.getBoundingClientRect();
  const x = (clientX ?? box.left + box.width / 2) - box.left;
  const y = (clientY ?? box.top + box.height / 2) - box.top;
  const zoom = Math.min(Math.max(state.zoom * factor, 0.05), MOST_ZOOM);
  const ratio = zoom / state.zoom;
  fitted = false;
  change({zoom});
  stage.scrollLeft = (stage.scrollLeft + x) * ratio - x;
  stage.scrollTop = (stage.scrollTop + y) * ratio - y;
}

function point(event) {
  const box = $("paint").getBoundingClientRect();
  const [, height, width] = state.clip.shape;
  const isPen = event.pointerType === "pen" && event.pressure > 0;
  return {x: (event.clientX - box.left) / box.width * width,
    y: (event.clientY - box.top) / box.height * height,
    pressure: isPen ? 0.3 + 0.7 * event.pressure : 1};
}

const touches = new Map();
let pinch = null, slides = false;

function pinched() {
  const [a, b] = [...touches.values()];
  return {span: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2};
}

function slideTo(event) {
  const box = before.getBoundingClientRect();
  const share = 100 * (event.clientX - box.left) / box.width;
  change({split: Math.round(Math.min(Math.max(share, 0), 100))});
}

function down(event) {
  if (event.button !== 0) return;
  if (event.pointerType === "touch") touches.set(event.pointerId, event);
  if (touches.size === 2) {
    painter.cancel();
    pinch = pinched();
    return;
  }
  if (state.view === "slider") {
    slides = true;
    stage.setPointerCapture(event.pointerId);
    slideTo(event);
  } else if (before.contains(event.target)) {
    before.setPointerCapture(event.pointerId);
    painter.begin(point(event));
  }
}

function moved(event) {
  if (touches.has(event.pointerId)) touches.set(event.pointerId, event);
  if (pinch && touches.size === 2) {
    const now = pinched();
    stage.scrollLeft -= now.x - pinch.x;
    stage.scrollTop -= now.y - pinch.y;
    zoomBy(now.span / Math.max(pinch.span, 1), now.x, now.y);
    pinch = now;
    return;
  }
  if (slides) slideTo(event);
  showPointer(point(event));
  if (!painter.isDrawing()) return;
  const parts = event.getCoalescedEvents?.() ?? [];
  for (const part of parts.length ? parts : [event]) painter.move(point(part));
}

function up(event) {
  touches.delete(event.pointerId);
  if (touches.size < 2) pinch = null;
  slides = false;
  if (event.type === "pointercancel") painter.cancel();
  else painter.end();
}

// The pointer of the arrow keys, in pixels of the clip.
let spot = null;

function showPointer({x, y}, byKeys = false) {
  const round = ["brush", "eraser"].includes(state.tool), size = round ? state.size : 1;
  pointer.hidden = $("paint").hidden || state.playing || !layersInUse().includes(state.layer);
  pointer.className = byKeys ? "keys" : "";
  pointer.style.width = pointer.style.height = `${Math.max(size * state.zoom, 6)}px`;
  pointer.style.left = `${x * state.zoom}px`;
  pointer.style.top = `${y * state.zoom}px`;
  spot = {x, y, pressure: 1};
}

// What a key does on the picture; whether it did something.
export function pressed(event) {
  const [, height, width] = state.clip.shape, step = event.shiftKey ? 10 : 1;
  const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  spot ??= {x: width / 2, y: height / 2, pressure: 1};
  if (way) {
    const x = Math.min(Math.max(spot.x + way[0] * step, 0), width);
    const y = Math.min(Math.max(spot.y + way[1] * step, 0), height);
    showPointer({x, y}, true);
    painter.move(spot);
    pointer.scrollIntoView({block: "nearest", inline: "nearest"});
  } else if (event.key === "Enter") {
    showPointer(spot, true);
    if (painter.isDrawing()) painter.end();
    else painter.begin(spot);
  } else if (event.key === "Escape") painter.cancel();
  else return false;
  return true;
}

function drawViews() {
  const views = $("views");
  views.replaceChildren(...choice("view", VIEWS, state.view, view => change({view})));
  for (const input of views.querySelectorAll("input")) {
    input.disabled = input.value !== "clip" && (!state.result ||
      (input.value === "slider" && !fitsSlider()));
  }
}

export function show(view) {
  if (view === "clip" || (state.result && (view !== "slider" || fitsSlider()))) change({view});
}

stage.addEventListener("pointerdown", down);
stage.addEventListener("pointermove", moved);
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, up);
stage.addEventListener("pointerleave", () => { if (!painter.isDrawing()) pointer.hidden = true; });
stage.addEventListener("wheel", event => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoomBy(Math.exp(-event.deltaY / 200), event.clientX, event.clientY);
}, {passive: false});
$("split").addEventListener("input", event => change({split: Number(event.target.value)}));
$("zooms").append(
  h("button", {type: "button", "aria-label": "Zoom out", title: "Zoom out (-)",
    onclick: () => zoomBy(1 / STEP)}, "−"),
  h("button", {type: "button", title: "Fit (0)", id: "fit", onclick: fit}, "Fit"),
  h("button", {type: "button", "aria-label": "Zoom in", title: "Zoom in (+)",
    onclick: () => zoomBy(STEP)}, "+"));
on("view zoom split result task layer clip version", layOut);
on("split", () => { $("split").value = state.split; });
on("view result clip version", drawViews);
on("view", () => { if (state.clip) fit(); });
on("zoom", () => { $("fit").textContent = `${Math.round(100 * state.zoom)} %`; });
new ResizeObserver(() => { if (state.clip && fitted) fit(); }).observe(stage);
