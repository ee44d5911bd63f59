// Elements of the page.

import {root} from "./host.js";

export const $ = id => root.getElementById(id);

// Makes an element. Properties that begin with "on" are listeners, and those with a dash are
// attributes; null is left out, and so are children that are null or false.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  fill(element, ...children);
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(child => child !== null && child !== false));
}

// A group of radio buttons that looks like one switch. `options` has rows of value, label, hint.
export function choice(name, options, value, onchange) {
  return options.map(([key, label, hint]) => h("label", {title: hint ?? ""},
    h("input", {type: "radio", name, value: key, checked: key === value,
      onchange: () => onchange(key)}), h("span", {}, label)));
}

let timer;

// Shows a message for a while.
export function tell(message) {
  const notice = $("notice");
  notice.textContent = message.charAt(0).toUpperCase() + message.slice(1);
  notice.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { notice.hidden = true; }, 8000);
}

export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
