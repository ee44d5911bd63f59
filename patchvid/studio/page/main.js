// Opens the page: what there is on the server, and files that are opened or dropped.

import * as api from "./api.js";
import {$, tell} from "./dom.js";
import * as history from "./history.js";
import {forget} from "./paint.js";
import {watch} from "./queue.js";
import {fit} from "./stage.js";
import {change, emit, state} from "./state.js";
import "./tools.js";
import "./tasks.js";
import "./results.js";
import "./keys.js";

// Takes over what the server says after it has opened something.
export function opened(facts) {
  forget();
  history.clear();
  const task = facts.tasks[state.task] ? state.task : Object.keys(facts.tasks)[0];
  const {tasks, layers, palette, formats, settings, style, results, jobs, clip} = facts;
  Object.assign(state, {tasks, layers, palette, formats, settings, style, results, clip, task,
    frame: 0, playing: false, view: "clip", result: results.at(-1) ?? null, colour: 1});
  const [n_frames, height, width] = clip.shape;
  $("clip").textContent = `${clip.name}: ${n_frames} frames, ${width} × ${height}, ` +
    `${Number(clip.fps.toFixed(2))} fps`;
  state.size = Math.min(state.size, Math.max(4, Math.round(height / 6)));
  change({version: state.version + 1, jobs});
  emit("paint", "clip", "frame", "view", "layer", "task", "results", "jobs");
  fit();
}

async function open(path, file) {
  tell(`Opening ${file.name} …`);
  try {
    const response = await fetch(path, {method: "PUT", body: file});
    const facts = await response.json();
    if (facts.error) throw new Error(facts.error);
    opened(facts);
    $("notice").hidden = true;
  } catch (error) {
    tell(error.message);
  }
}

const openClip = file => open(`clip?name=${encodeURIComponent(file.name)}`, file);

for (const [id, take] of [["open-clip", openClip], ["open-project", file => open("project", file)]]) {
  $(id).addEventListener("change", event => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) take(file);
  });
}
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) file.name.endsWith(".zip") ? open("project", file) : openClip(file);
});

try {
  opened(await api.getJson("state"));
  watch();
} catch (error) {
  tell(error.message);
}
