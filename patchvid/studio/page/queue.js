// Jobs: their progress and their results.

import * as api from "./api.js";
import {$, duration, fill, h, tell} from "./dom.js";
import {markFollowed} from "./paint.js";
import {fitsSlider} from "./stage.js";
import {change, on, state} from "./state.js";

const PAUSE = 300; // milliseconds between two looks
const WORDS = {waiting: "waiting", done: "done", cancelled: "cancelled", failed: "failed"};
let watching = false;

// Looks at the jobs until all of them have ended.
export async function watch() {
  if (watching) return;
  watching = true;
  try {
    while (await look()) await new Promise(done => setTimeout(done, PAUSE));
  } catch (error) {
    tell(`The studio does not respond: ${error.message}`);
  }
  watching = false;
}

async function look() {
  const {jobs, results, followed} = await api.getJson("made");
  const known = new Set(state.results.map(result => result.number));
  const added = results.filter(result => !known.has(result.number));
  change({jobs, results});
  markFollowed(followed);
  if (added.length) {
    change({result: added[0]});
    change({view: fitsSlider() ? "slider" : "side"});
  }
  return jobs.some(job => ["waiting", "running"].includes(job.state));
}

async function cancel(number) {
  try {
    await api.remove(`jobs/${number}`);
    await look();
  } catch (error) {
    tell(error.message);
  }
}

function describe(job) {
  if (job.state !== "running") return WORDS[job.state];
  const left = job.left === null ? "" : `, ${duration(job.left)} left`;
  return `${job.message || "starting"}${left}`;
}

function draw() {
  $("queue").hidden = !state.jobs.length;
  const focused = document.activeElement?.dataset?.job;
  fill($("jobs"), [...state.jobs].reverse().map(job => {
    const ends = ["waiting", "running"].includes(job.state);
    return h("li", {className: job.state},
      h("b", {}, job.label), h("span", {}, describe(job)),
      h("button", {type: "button", onclick: () => cancel(job.number),
        "data-job": job.number, "aria-label": `${ends ? "Cancel" : "Forget"} ${job.label}`},
        ends ? "Cancel" : "×"),
      job.state === "running" && h("progress", {max: 1, value: job.fraction,
        "aria-label": job.label}),
      job.problem && h("p", {className: "problem"}, job.problem),
      job.notes.map(note => h("p", {className: "note"}, note)));
  }));
  if (focused) document.querySelector(`[data-job="${focused}"]`)?.focus();
}

on("jobs", draw);
