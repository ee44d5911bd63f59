// The layers of paint: what they mean, and what is in frames that are not painted.

import * as api from "./api.js";
import {$, choice, fill, h, tell} from "./dom.js";
import * as paint from "./paint.js";
import {watch} from "./queue.js";
import {change, layersInUse, on, state} from "./state.js";

const LAYERS = {
  remove: ["Remove", "Paint over what should disappear."],
  source: ["Take from", "Paint where the filling may come from. Without this paint, it may come " +
    "from anywhere."],
  cue: ["Colours", "Paint where something of this colour should appear."],
  keep: ["Keep", "Paint over what must not change with the size."],
};
const MODES = {
  follow: ["Follows", "It follows its object"],
  same: ["Same place", "It is the same as in the nearest painted frame"],
  only: ["Nowhere", "There is none in other frames"],
};

async function follow() {
  try {
    await paint.sent();
    await api.postJson("jobs", {follow: state.layer});
    watch();
  } catch (error) {
    tell(error.message);
  }
}

function swatches() {
  const choose = number => change({colour: number});
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
        "aria-label": colour, onchange: () => choose(at + 1)});
      input.style.backgroundColor = colour;
      return input;
    }),
    h("label", {className: "button", title: "Another colour"}, "+",
      h("input", {type: "color", value: "#808080", "aria-label": "Another colour", onchange: add})));
}

function describe({keys, mode, followed, lost}) {
  if (!keys.length) return "Nothing is painted yet.";
  const frames = keys.length === 1 ? "one frame" : `${keys.length} frames`;
  if (mode !== "follow" || keys.length === state.clip.shape[0]) return `Painted in ${frames}.`;
  if (followed && lost.length) {
    return `Painted in ${frames}, lost in ${lost.length}: see the gaps in the line below the ` +
      "timeline. If you see the object there, paint it and follow again.";
  }
  return followed ? `Painted in ${frames}, followed in the others. Correct it in any frame.`
    : `Painted in ${frames}. Press Follow, and it follows its object through the others.`;
}

function draw() {
  const names = layersInUse();
  $("paints").hidden = !names.length;
  if (!names.includes(state.layer)) return;
  const layer = state.layers[state.layer];
  fill($("paints"),
    h("h2", {}, "Paint"),
    names.length > 1 && h("div", {className: "choice", role: "radiogroup",
      "aria-label": "Meaning of the paint"},
      choice("layer", names.map(name => [name, ...LAYERS[name]]), state.layer,
        name => change({layer: name}))),
    h("p", {className: "hint"}, LAYERS[state.layer][1]),
    state.layer === "cue" && swatches(),
    state.clip.shape[0] > 1 && h("div", {}, h("p", {className: "label"}, "In other frames"),
      h("div", {className: "choice", role: "radiogroup", "aria-label": "In other frames"},
        choice("mode", layer.modes.map(mode => [mode, ...MODES[mode]]), layer.mode,
          mode => paint.choose(state.layer, mode).catch(error => tell(error.message))))),
    h("p", {className: "hint", id: "painted"}, describe(layer)),
    layer.mode === "follow" && state.clip.shape[0] > 1 && h("button", {type: "button", id: "follow",
      onclick: follow, disabled: !layer.keys.length || layer.followed}, "Follow"));
}

on("layer layers palette colour task clip version", draw);
