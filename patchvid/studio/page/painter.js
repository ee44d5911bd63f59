// Painting: what a pointer, or the arrow keys, do on the picture.

import "./picture.js";
import {$} from "./dom.js";
import * as history from "./history.js";
import * as layers from "./paint.js";
import * as shapes from "./shapes.js";
import {layersInUse, on, state} from "./state.js";

const TINTS = {
  remove: [232, 72, 47, 150], source: [62, 120, 220, 130], keep: [30, 160, 130, 150],
};
const canvas = $("paint"), context = canvas.getContext("2d");
let drawing = null; // what is being painted: {layer, frame, base, paint, points, erases}

const grid = () => ({width: state.clip.shape[2], height: state.clip.shape[1]});
const isPainted = () =>
  ["clip", "side"].includes(state.view) && layersInUse().includes(state.layer);

function tints(layer) {
  if (layer !== "cue") return value => [...TINTS[layer].slice(0, 3), TINTS[layer][3] * value / 255];
  const colours = state.palette.map(colour =>
    [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)));
  return value => value ? [...colours[value - 1], 235] : [0, 0, 0, 0];
}

// Draws the paint of the frame that is shown, and what is being painted.
export function draw() {
  const {width, height} = grid();
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  for (const layer of layersInUse()) {
    const own = drawing?.layer === layer && drawing.frame === state.frame;
    const paint = own ? drawing.paint : layers.paintOf(layer, state.frame);
    if (!paint) continue;
    const tint = tints(layer), table = new Uint32Array(256);
    for (let value = 1; value < 256; value++) {
      const inUse = layer !== "cue" || value <= state.palette.length;
      const [red, green, blue, alpha] = inUse ? tint(value) : [0, 0, 0, 0];
      table[value] = (alpha << 24 | blue << 16 | green << 8 | red) >>> 0;
    }
    for (let at = 0; at < paint.length; at++) if (paint[at]) pixels[at] = table[paint[at]];
  }
  context.putImageData(image, 0, 0);
}

let asked = false;
function drawSoon() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; if (state.clip) draw(); });
}

function putter() {
  const {paint, layer, erases} = drawing;
  if (layer === "cue") {
    const value = erases ? 0 : state.colour;
    return (at, coverage) => { if (coverage > 127) paint[at] = value; };
  }
  if (erases) return (at, coverage) => { paint[at] = Math.min(paint[at], 255 - coverage); };
  return (at, coverage) => { paint[at] = Math.max(paint[at], coverage); };
}

// Begins at a point {x, y, pressure}, in pixels of the clip.
export async function begin(point) {
  if (!isPainted() || state.playing) return;
  const {layer, frame, tool} = state;
  const known = layers.paintOf(layer, frame);
  drawing = {layer, frame, base: known, paint: known ? known.slice() : new Uint8Array(0),
    points: [point], erases: tool === "eraser", tool, ends: false};
  if (!known) {
    const own = drawing;
    own.base = await layers.paintNow(layer, frame);
    own.paint = own.base.slice();
    if (drawing !== own) return;
  }
  apply(point, point);
  if (drawing.ends) end();
}

export function move(point) {
  if (!drawing) return;
  const last = drawing.points.at(-1);
  drawing.points.push(point);
  if (drawing.base) apply(last, point);
}

function apply(from, to) {
  const {tool, points} = drawing, first = points[0];
  if (tool === "brush" || tool === "eraser") {
    const softness = state.layer === "cue" ? 0 : state.softness / 100;
    shapes.stroke(grid(), from, to, state.size / 2 * to.pressure, softness, putter());
  } else if (tool === "fill") {
    shapes.flood(grid(), first, drawing.base, putter());
  } else {
    drawing.paint.set(drawing.base);
    if (tool === "rectangle") shapes.rectangle(grid(), first, to, putter());
    if (tool === "ellipse") shapes.ellipse(grid(), first, to, putter());
    if (tool === "lasso") shapes.polygon(grid(), points, putter());
  }
  drawSoon();
}

export function end() {
  if (!drawing) return;
  if (!drawing.base) { drawing.ends = true; return; } // it is still fetched
  const {layer, frame, base, paint} = drawing;
  drawing = null;
  if (paint.some((value, at) => value !== base[at])) {
    const {keys} = state.layers[layer], had = keys.includes(frame);
    // Where there is paint in other frames, a frame may say that there is none in it.
    const counts = keys.some(key => key !== frame) || paint.some(value => value);
    history.paint(layer, frame, had ? base : null, counts ? paint : null);
  }
  drawSoon();
}

export function cancel() {
  drawing = null;
  drawSoon();
}

export const isDrawing = () => drawing !== null;

// Removes all paint of the layer in this frame.
export async function clearFrame() {
  const {layer, frame} = state, paint = await layers.paintNow(layer, frame);
  if (state.layers[layer].keys.includes(frame)) history.paint(layer, frame, paint, null);
  else if (paint.some(value => value)) history.paint(layer, frame, null, paint.slice().fill(0));
}

on("paint frame layers task palette clip version", drawSoon);
