// Results: a sheet to choose from, and the actions on the chosen one.

import * as api from "./api.js";
import {$, fill, h, tell} from "./dom.js";
import {root} from "./host.js";
import {opened} from "./opening.js";
import {change, on, state} from "./state.js";

let suffix = ".mp4";

const size = ({shape}) => `${shape[0]} × ${shape[1]} × ${shape[2]}`;

// The command lines that make a result, the last with the format that is chosen.
const commands = result => result.commands.map((line, at) =>
  at < result.commands.length - 1 ? line : line.replace(/\.npz('?)$/, `${suffix}$1`)).join("\n");

function card(result) {
  const middle = Math.floor(result.shape[0] / 2);
  return h("button", {type: "button", className: "card", "data-result": result.number,
    "aria-pressed": String(state.result?.number === result.number),
    onclick: () => change({result})},
    h("img", {src: `videos/${result.number}/frames/${middle}`, alt: ""}),
    h("span", {}, result.preview ? `${result.title}, preview` : result.title),
    h("small", {}, `seed ${result.seed}`));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  } catch {
    tell("This browser cannot copy. Select the lines and copy them yourself.");
  }
}

async function goOn(result) {
  try {
    opened(await api.postJson("clip", {result: result.number}));
  } catch (error) {
    tell(error.message);
  }
}

async function remove(result) {
  try {
    await api.remove(`results/${result.number}`);
    const results = state.results.filter(other => other.number !== result.number);
    change({view: "clip"});
    change({results, result: results.at(-1) ?? null});
  } catch (error) {
    tell(error.message);
  }
}

function details(result) {
  const link = h("a", {className: "button main", id: "download", download: ""}, "Download");
  const point = () => { link.href = `results/${result.number}/file?suffix=${suffix}`; };
  const lines = h("pre", {tabIndex: 0, id: "command"}, commands(result));
  const format = h("select", {id: "format", "aria-label": "Format", onchange: event => {
    suffix = event.target.value;
    lines.textContent = commands(result);
    point();
  }}, state.formats.map(name => h("option", {value: name, selected: name === suffix}, name)));
  point();
  return [
    h("p", {className: "hint"}, `${size(result)}, seed ${result.seed}`),
    h("div", {className: "row"}, format, link,
      !result.preview && h("button", {type: "button", id: "go-on", onclick: () => goOn(result)},
        "Use as next clip"),
      h("button", {type: "button", onclick: () => remove(result)}, "Delete")),
    !result.preview && h("details", {id: "repeat"}, h("summary", {}, "Command that repeats it"), lines,
      h("div", {className: "row"},
        h("button", {type: "button", onclick: () => copy(commands(result))}, "Copy"),
        result.files.map(name => h("a", {className: "button", download: "",
          href: `results/${result.number}/inputs/${name}`}, name)))),
  ];
}

function draw() {
  $("results").hidden = !state.results.length;
  const focused = root.activeElement?.dataset?.result;
  $("sheet").replaceChildren(...[...state.results].reverse().map(card));
  if (focused) root.querySelector(`[data-result="${focused}"]`)?.focus();
  fill($("chosen"), state.result ? details(state.result) : []);
}

on("results result version", draw);
