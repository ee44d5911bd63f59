// The tools above the picture.

import "./picture.js";
import {$, choice, fill, h} from "./dom.js";
import * as history from "./history.js";
import {root} from "./host.js";
import {clearFrame} from "./painter.js";
import {change, layersInUse, on, state} from "./state.js";

export const TOOLS = [
  ["brush", "Brush", "b"], ["eraser", "Eraser", "e"], ["rectangle", "Box", "r"],
  ["ellipse", "Ellipse", "o"], ["lasso", "Lasso", "l"], ["fill", "Fill", "f"],
];
function draw() {
  $("tools").hidden = !layersInUse().length;
  const range = (name, label, low, high, unit) => h("label", {className: "range"}, label,
    h("input", {type: "range", min: low, max: high, value: state[name], id: name,
      oninput: event => change({[name]: Number(event.target.value)})}),
    h("output", {}, `${state[name]}${unit}`));
  const isRound = ["brush", "eraser"].includes(state.tool);
  const focused = root.activeElement?.id;
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

on("tool size softness layer layers task clip version", draw);
