// A form for each task that can be done with the clip, drawn from the server's table of settings.

import * as api from "./api.js";
import {$, choice, fill, h, tell} from "./dom.js";
import {bind} from "./keys.js";
import * as layers from "./paint.js";
import {watch} from "./queue.js";
import {change, layersInUse, on, state} from "./state.js";

const values = () => state.settings[state.task] ?? {};
let saving;

function set(name, value) {
  const settings = {...state.settings, [state.task]: {...values(), [name]: value}};
  if (value === null) delete settings[state.task][name];
  state.settings = settings; // the form shows it already
  clearTimeout(saving);
  saving = setTimeout(() => api.putJson("settings", settings).catch(() => {}), 300);
}

function field(setting) {
  const {name, kind, label, help} = setting, value = values()[name] ?? setting.default;
  const id = `setting-${name}`;
  if (kind === "flag") {
    return h("label", {className: "flag", title: help}, h("input", {type: "checkbox", id,
      checked: value, onchange: event => set(name, event.target.checked)}), label);
  }
  if (kind === "size") return size(setting, value ?? state.clip.shape);
  let input;
  if (kind === "choice") {
    input = h("select", {id, onchange: event => set(name, event.target.value)},
      setting.choices.map(option => h("option", {value: option, selected: option === value},
        option || "none")));
  } else {
    const {low, high, step} = setting;
    input = h("input", {type: "number", id, min: low, max: high, step: kind === "whole" ? 1 : step,
      value: value ?? "", placeholder: setting.default ?? "auto", inputMode: "decimal",
      onchange: event => {
        if (event.target.reportValidity()) {
          set(name, event.target.value === "" ? null : Number(event.target.value));
        }
      }});
  }
  return h("label", {className: "field", title: help}, h("span", {}, label), input);
}

function size({name, label}, value) {
  const parts = ["Frames", "Height", "Width"].map((part, at) => h("label", {}, h("span", {}, part),
    h("input", {type: "number", min: 1, step: 1, value: value[at], id: `setting-${name}-${at}`,
      onchange: () => {
        const numbers = [0, 1, 2].map(n => Number($(`setting-${name}-${n}`).value));
        const same = numbers.every((number, n) => number === state.clip.shape[n]);
        set(name, same ? null : numbers);
      }})));
  return h("fieldset", {className: "size"}, h("legend", {}, label), parts);
}

async function useStyle(file) {
  try {
    const path = `style?name=${encodeURIComponent(file.name)}`;
    const answer = await (await fetch(path, {method: "PUT", body: file})).json();
    if (answer.error) throw new Error(answer.error);
    change({style: answer.style});
  } catch (error) {
    tell(error.message);
  }
}

function style() {
  const {style} = state;
  return h("div", {className: "style"},
    style && h("img", {src: `videos/style/frames/0?${style.name}`, alt: ""}),
    h("span", {}, style ? style.name : "The clip with the look:"),
    h("label", {className: "button"}, style ? "Change" : "Choose a clip",
      h("input", {type: "file", id: "style",
        onchange: event => event.target.files[0] && useStyle(event.target.files[0])})));
}

// What the task still needs before it can begin; empty if nothing.
function missing() {
  const {needs} = state.tasks[state.task], {size, loop} = values();
  if (needs === "paint" && !["remove", "cue"].some(layer => state.layers[layer].keys.length)) {
    return "First paint over what should disappear, or paint a colour where it should appear.";
  }
  if (needs === "style" && !state.style) return "First choose the clip with the look.";
  return needs === "size" && !size && !loop ? "First choose another width, height or length." : "";
}

async function make(preview) {
  if (missing()) return tell(missing());
  try {
    await layers.sent();
    await api.postJson("jobs", {task: state.task, settings: values(), preview});
    watch();
  } catch (error) {
    tell(error.message);
  }
}

function drawTasks() {
  const names = Object.entries(state.tasks).map(([name, {title, about}]) => [name, title, about]);
  fill($("tasks"),
    h("h2", {}, "What to make"),
    h("div", {className: "choice wrap", role: "radiogroup", "aria-label": "What to make"},
      choice("task", names, state.task, name => change({task: name}))),
    h("p", {className: "hint"}, state.tasks[state.task].about));
}

function draw() {
  if (!state.clip) return;
  const task = state.tasks[state.task];
  const more = task.settings.filter(setting => setting.more);
  const wasOpen = $("makes").querySelector("details")?.open ?? false;
  fill($("makes"),
    h("h2", {}, "Settings"),
    task.needs === "style" && style(),
    h("div", {className: "fields"}, task.settings.filter(setting => !setting.more).map(field)),
    more.length > 0 && h("details", {open: wasOpen}, h("summary", {}, "More settings"),
      h("div", {className: "fields"}, more.map(field))));
}

$("actions").append(
  h("button", {type: "button", id: "preview", onclick: () => make(true),
    title: "A quick small version (P)"}, "Preview"),
  h("button", {type: "button", id: "make", className: "main", onclick: () => make(false),
    title: "Full size (M)"}, "Make"));
on("task tasks", drawTasks);
on("task tasks style clip version", draw);
on("task", () => {
  const layers = layersInUse();
  if (layers.length && !layers.includes(state.layer)) change({layer: layers[0]});
});
bind({p: () => make(true), m: () => make(false)});
