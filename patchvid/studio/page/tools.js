// The tools beside the picture, and what their paint means.

import * as api from "./api.js";
import {$, choice, fill, h, tell} from "./dom.js";
import * as history from "./history.js";
import * as layers from "./paint.js";
import {clearFrame} from "./painter.js";
import {watch} from "./queue.js";
import {change, on, state} from "./state.js";

export const TOOLS = [
  ["brush", "Brush", "b"], ["eraser", "Eraser", "e"], ["rectangle", "Box", "r"],
  ["ellipse", "Ellipse", "o"], ["lasso", "Lasso", "l"], ["fill", "Fill", "f"],
];
const LAYERS = [
  ["remove", "Remove", "Paint over what should disappear"],
  ["cue", "Colours", "Paint where something of this colour should appear"],
  ["keep", "Keep", "Paint over what must not change with the size"],
];
const MODES = {
  follow: ["Follow", "The paint follows its object"],
  same: ["Same place", "The same paint as in the nearest painted frame"],
  only: ["Nothing", "No paint in other frames"],
};

function drawTools() {
  const range = (name, label, low, high, unit) => h("label", {className: "range"}, label,
    h("input", {type: "range", min: low, max: high, value: state[name], id: name,
      oninput: event => change({[name]: Number(event.target.value)})}),
    h("output", {}, `${state[name]}${unit}`));
  const isRound = ["brush", "eraser"].includes(state.tool);
  const focused = document.activeElement?.id;
  fill($("tools"),
    h("div", {className: "choice", role: "radiogroup", "aria-label": "Tool"}, choice("tool",
      TOOLS.map(([tool, label, key]) => [tool, label, `${label} (${key.toUpperCase()})`]),
      state.tool, tool => change({tool}))),
    h("div", {className: "row"},
      isRound && range("size", "Size", 1, Math.max(200, state.clip.shape[1]), " px"),
      isRound && state.layer !== "cue" && range("softness", "Soft", 0, 100, " %")),
    h("div", {className: "row"},
      h("button", {type: "button", onclick: history.undo, disabled: !history.canUndo(),
        title: "Undo (Ctrl Z)"}, "Undo"),
      h("button", {type: "button", onclick: history.redo, disabled: !history.canRedo(),
        title: "Redo (Ctrl Shift Z)"}, "Redo"),
      h("button", {type: "button", onclick: clearFrame, title: "Remove the paint from this frame"},
        "Clear")));
  if (["size", "softness"].includes(focused)) $(focused)?.focus();
}

async function follow() {
  try {
    await layers.sent();
    await api.postJson("jobs", {follow: state.layer});
    watch();
  } catch (error) {
    tell(error.message);
  }
}

function swatches() {
  const paint = number => change({colour: number});
  const add = async event => {
    const palette = [...state.palette, event.target.value];
    try {
      await api.putJson("palette", palette);
      change({palette, colour: palette.length});
    } catch (error) {
      tell(error.message);
    }
  };
  return h("div", {id: "swatches", role: "radiogroup", "aria-label": "Colour"},
    state.palette.map((colour, at) => {
      const input = h("input", {type: "radio", name: "colour", checked: state.colour === at + 1,
        "aria-label": colour, onchange: () => paint(at + 1)});
      input.style.backgroundColor = colour;
      return input;
    }),
    h("label", {className: "button", title: "Another colour"}, "+",
      h("input", {type: "color", value: "#808080", "aria-label": "Another colour", onchange: add})));
}

function state_of({keys, mode, followed}) {
  if (!keys.length) return "Nothing is painted yet.";
  const frames = keys.length === 1 ? "one frame" : `${keys.length} frames`;
  if (mode !== "follow" || keys.length === state.clip.shape[0]) return `Painted in ${frames}.`;
  return followed ? `Painted in ${frames}; followed in the others. Correct it in any frame.`
    : `Painted in ${frames}. Press Follow for the others.`;
}

function drawPaints() {
  const layer = state.layers[state.layer];
  const about = LAYERS.find(([name]) => name === state.layer)[2];
  fill($("paints"),
    h("h2", {}, "Paint"),
    h("div", {className: "choice", role: "radiogroup", "aria-label": "Meaning of the paint"},
      choice("layer", LAYERS, state.layer, name => change({layer: name}))),
    h("p", {className: "hint"}, `${about}.`),
    state.layer === "cue" && swatches(),
    state.clip.shape[0] > 1 && h("div", {}, h("p", {className: "label"}, "In the other frames"),
      h("div", {className: "choice", role: "radiogroup", "aria-label": "In the other frames"},
        choice("mode", layer.modes.map(mode => [mode, ...MODES[mode]]), layer.mode,
          mode => layers.choose(state.layer, mode).catch(error => tell(error.message))))),
    h("p", {className: "hint", id: "painted"}, state_of(layer)),
    layer.mode === "follow" && state.clip.shape[0] > 1 && h("button", {type: "button", id: "follow",
      onclick: follow, disabled: !layer.keys.length || layer.followed}, "Follow"));
}

on("tool size softness layer layers clip version", drawTools);
on("layer layers palette colour clip version", drawPaints);
