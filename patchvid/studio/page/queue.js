// Jobs: their progress and their results.

import * as api from "./api.js";
import {$, duration, fill, h, tell} from "./dom.js";
import {root} from "./host.js";
import {markFollowed} from "./paint.js";
import {fitsSlider} from "./stage.js";
import {change, on, state} from "./state.js";

const PAUSE = 150; // milliseconds between two looks
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
  const {jobs, results, layers} = await api.getJson("made");
  const known = new Set(state.results.map(result => result.number));
  const added = results.filter(result => !known.has(result.number));
  change({jobs, results});
  markFollowed(layers);
  if (added.length) {
    change({result: added[0]});
    change({view: fitsSlider() ? "slider" : "side"});
    $("picture").scrollIntoView({block: "nearest"}); // on a phone, the page scrolls
    $("panels").scrollTo({top: $("results").offsetTop - $("panels").offsetTop}); // elsewhere, this
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
  if (job.state === "done") return `done in ${duration(job.seconds)}`;
  if (job.state !== "running") return job.state;
  const left = job.left === null ? "" : `, ${duration(job.left)} left`;
  return `${job.message || "starting"}${left}`;
}

// Jobs are shown until they end; then the newest, and those that have something to say.
const isShown = (job, at, jobs) => ["waiting", "running", "failed"].includes(job.state) ||
  job.notes.length > 0 || at === jobs.length - 1;

function draw() {
  const jobs = state.jobs.filter(isShown);
  $("queue").hidden = !jobs.length;
  const focused = root.activeElement?.dataset?.job;
  fill($("jobs"), jobs.reverse().map(job => {
    const ends = ["waiting", "running"].includes(job.state);
    return h("li", {className: job.state},
      h("b", {}, job.label), h("span", {}, describe(job)),
      h("button", {type: "button", onclick: () => cancel(job.number),
        "data-job": job.number, "aria-label": `${ends ? "Cancel" : "Forget"} ${job.label}`},
        ends ? "Cancel" : "×"),
      job.state === "running" && h("progress", {max: 1, value: job.fraction,
        "aria-label": job.label}),
      job.problem && h("p", {className: "problem"}, job.problem),
      job.notes.length > 0 && h("details", {className: "note"}, h("summary", {}, "Note"),
        job.notes.map(note => h("p", {}, note))));
  }));
  if (focused) root.querySelector(`[data-job="${focused}"]`)?.focus();
}

on("jobs", draw);
