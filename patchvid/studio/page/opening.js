// Takes over what the server says after it has opened something.

import * as history from "./history.js";
import {forget} from "./paint.js";
import {fit} from "./stage.js";
import {change, emit, state} from "./state.js";

export function opened(facts) {
  forget();
  history.clear();
  const task = facts.tasks[state.task] ? state.task : Object.keys(facts.tasks)[0];
  const {tasks, layers, palette, formats, settings, style, results, jobs, clip, scenes, scene} = facts;
  Object.assign(state, {tasks, layers, palette, formats, settings, style, results, clip, scenes,
    scene, task, frame: 0, playing: false, view: "clip", result: results.at(-1) ?? null, colour: 1});
  state.size = Math.min(state.size, Math.max(4, Math.round(clip.shape[1] / 6)));
  change({version: state.version + 1, jobs});
  emit("paint", "clip", "frame", "view", "layer", "task", "results", "jobs");
  fit();
}
