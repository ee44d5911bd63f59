// Opens the page: what there is on the server, and files that are opened or dropped.

import * as api from "./api.js";
import {$, fill, h, tell} from "./dom.js";
import {opened} from "./opening.js";
import {watch} from "./queue.js";
import {on, state} from "./state.js";
import "./tools.js";
import "./layers.js";
import "./tasks.js";
import "./results.js";
import "./keys.js";

function describe() {
  const {name, shape: [n_frames, height, width], fps} = state.clip;
  $("clip").textContent = `${name}: ${n_frames} frames, ${width} × ${height}, ` +
    `${Number(fps.toFixed(2))} fps`;
  $("scenes").hidden = !state.scenes.length;
  const name_of = ([first, stop], at) => `${at + 1}: frames ${first} to ${stop - 1}`;
  fill($("scene"), ["all", ...state.scenes.map(name_of)].map((label, number) =>
    h("option", {value: number, selected: number === (state.scene ?? 0)}, label)));
}

async function chooseScene(event) {
  try {
    opened(await api.postJson("clip", {scene: Number(event.target.value) || null}));
  } catch (error) {
    tell(error.message);
  }
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
$("scene").addEventListener("change", chooseScene);
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) file.name.endsWith(".zip") ? open("project", file) : openClip(file);
});

on("clip", describe);
try {
  opened(await api.getJson("state"));
  watch();
} catch (error) {
  tell(error.message);
}
