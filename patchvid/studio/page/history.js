// Undo and redo of paint.

import {put} from "./paint.js";
import {change} from "./state.js";

const MOST_BYTES = 256e6;
let done = [], undone = [];

export const canUndo = () => done.length > 0;
export const canRedo = () => undone.length > 0;

export function clear() { done = []; undone = []; }

// Paints, and remembers what was there: `before` is null if the frame had no paint of its own.
export function paint(layer, frame, before, after) {
  done.push({layer, frame, before, after});
  undone = [];
  const size = step => (step.before?.length ?? 0) + (step.after?.length ?? 0);
  while (done.length > 1 && done.reduce((sum, step) => sum + size(step), 0) > MOST_BYTES) {
    done.shift();
  }
  return put(layer, frame, after);
}

function go(from, to, which) {
  const step = from.pop();
  if (!step) return;
  to.push(step);
  change({frame: step.frame, layer: step.layer});
  put(step.layer, step.frame, step[which]);
}

export const undo = () => go(done, undone, "before");
export const redo = () => go(undone, done, "after");
