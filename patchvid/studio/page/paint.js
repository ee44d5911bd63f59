// The paint of every layer and frame: as it is on the server, and as it is drawn here.

import * as api from "./api.js";
import {tell} from "./dom.js";
import {change, emit, state} from "./state.js";

const cache = new Map(); // paint by layer and frame; null while it is fetched
const MOST = 256; // paints that are kept
let sending = Promise.resolve();

const key = (layer, frame) => `${layer} ${frame}`;
const blank = () => new Uint8Array(state.clip.shape[1] * state.clip.shape[2]);

export function forget(layer) {
  for (const name of cache.keys()) if (!layer || name.startsWith(`${layer} `)) cache.delete(name);
}

// The paint of a frame, or null where it has to be fetched first.
export function paintOf(layer, frame) {
  const {keys, mode, followed} = state.layers[layer];
  const filled = mode === "same" || (mode === "follow" && followed);
  if (!keys.length || (!filled && !keys.includes(frame))) return blank();
  const name = key(layer, frame);
  if (!cache.has(name)) {
    if (cache.size > MOST) cache.delete(cache.keys().next().value);
    cache.set(name, null);
    fetchPaint(layer, frame).then(paint => {
      if (cache.get(name) === null) {
        cache.set(name, paint);
        emit("paint");
      }
    }).catch(() => cache.delete(name));
  }
  return cache.get(name);
}

async function fetchPaint(layer, frame) {
  await sending; // what was painted here comes first
  return api.getBytes(`layers/${layer}/${frame}`);
}

export async function paintNow(layer, frame) {
  return paintOf(layer, frame) ?? fetchPaint(layer, frame);
}

// Replaces the paint of a frame; null removes it.
export function put(layer, frame, paint) {
  const old = state.layers[layer], keys = old.keys.filter(other => other !== frame);
  if (paint) keys.push(frame);
  keys.sort((a, b) => a - b);
  forget(layer);
  if (paint) cache.set(key(layer, frame), paint);
  change({layers: {...state.layers, [layer]: {...old, keys, followed: false, lost: []}}});
  emit("paint");
  sending = sending.then(async () => {
    const facts = await api.putBytes(`layers/${layer}/${frame}`, paint ?? new Uint8Array());
    change({layers: {...state.layers, [layer]: facts}});
  }).catch(error => tell(error.message));
  return sending;
}

export async function choose(layer, mode) {
  await sending;
  const facts = await (await api.putJson(`layers/${layer}`, {mode})).json();
  forget(layer);
  change({layers: {...state.layers, [layer]: facts}});
  emit("paint");
}

// Takes note of masks that have followed meanwhile.
export function markFollowed(layers) {
  for (const [layer, {followed, lost}] of Object.entries(layers)) {
    if (state.layers[layer].followed === followed) continue;
    forget(layer);
    change({layers: {...state.layers, [layer]: {...state.layers[layer], followed, lost}}});
    emit("paint");
  }
}

export const sent = () => sending;
