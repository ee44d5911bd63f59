// Keys. Those that belong to a control are left to it.

import * as history from "./history.js";
import {root} from "./host.js";
import {go, toggle} from "./player.js";
import {fit, pressed, show, zoomBy} from "./stage.js";
import {change, state} from "./state.js";
import {TOOLS} from "./tools.js";

const VIEWS = ["clip", "result", "side", "slider"];
const ACTIONS = {
  ",": () => go(state.frame - 1), ".": () => go(state.frame + 1),
  Home: () => go(0), End: () => go(state.clip.shape[0] - 1), " ": toggle,
  "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8), "0": fit,
  "[": () => change({size: Math.max(1, Math.round(state.size * 0.8))}),
  "]": () => change({size: Math.round(state.size * 1.25) + 1}),
  ...Object.fromEntries(TOOLS.map(([tool, , key]) => [key, () => change({tool})])),
  ...Object.fromEntries(VIEWS.map((view, at) => [String(at + 1), () => show(view)])),
};

// Adds actions by key.
export const bind = actions => Object.assign(ACTIONS, actions);

root.addEventListener("keydown", event => {
  if (!state.clip) return;
  const {target} = event, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const types = target.matches("select, textarea, input[type=number], input[type=text]");
  if ((event.ctrlKey || event.metaKey) && key === "z" && !types) {
    event.preventDefault();
    if (event.shiftKey) history.redo();
    else history.undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || types) return;
  if (target.id === "stage" && pressed(event)) {
    event.preventDefault();
    return;
  }
  if (key === " " && target.matches("button, a, summary, label, input")) return;
  if (["Home", "End"].includes(key) && target.matches("input")) return;
  if (ACTIONS[key]) {
    event.preventDefault();
    ACTIONS[key]();
  }
});
