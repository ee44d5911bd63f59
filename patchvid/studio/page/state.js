// What all parts of the page share. A change is told to those who listen to its name.

export const state = {
  clip: null, scenes: [], scene: null, tasks: {}, layers: {}, palette: [], formats: [], settings: {}, style: null,
  results: [], jobs: [],
  version: 0, // grows with every clip that is opened
  frame: 0, playing: false, view: "clip", split: 50, zoom: 1,
  result: null, // the one that is shown
  layer: "remove", colour: 1, tool: "brush", size: 24, softness: 0,
  task: "inpaint",
};

const listeners = new Map();

export function on(names, listener) {
  for (const name of names.split(" ")) {
    listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  }
}

export function change(values) {
  const names = Object.keys(values).filter(name => state[name] !== values[name]);
  Object.assign(state, values);
  emit(...names);
}

export function emit(...names) {
  const called = new Set(names.flatMap(name => listeners.get(name) ?? []));
  for (const listener of called) listener();
}

// The layers of paint that the task uses.
export const layersInUse = () => state.tasks[state.task]?.layers ?? [];

// The frame of a result that shows at the time of a frame of the clip.
export function frameOf(result) {
  const at = Math.floor((state.frame + 0.5) / state.clip.fps * result.fps);
  return Math.min(at, result.shape[0] - 1);
}
