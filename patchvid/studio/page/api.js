// Requests to the server.

import {send} from "./host.js";

async function ask(method, path, body) {
  const response = await send(path, {method, body});
  if (response.ok) return response;
  const text = await response.text();
  let message = text;
  try { message = JSON.parse(text).error; } catch { /* it is plain text */ }
  throw new Error(message);
}

const json = async response => (await response).json();

export const getJson = path => json(ask("GET", path));
export const postJson = (path, value) => json(ask("POST", path, JSON.stringify(value)));
export const putJson = (path, value) => ask("PUT", path, JSON.stringify(value));
export const putBytes = (path, bytes) => json(ask("PUT", path, bytes));
export const remove = path => ask("DELETE", path);
export const getBytes = async path =>
  new Uint8Array(await (await ask("GET", path)).arrayBuffer());
export const getBlob = async path => (await ask("GET", path)).blob();
