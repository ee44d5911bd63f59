// The elements of the picture: tools, the stage with the clip and a result on it, a timeline, views.

import {$, fill, h} from "./dom.js";

const pane = (id, ...others) => h("div", {className: "pane", id}, h("canvas", {className: "frame"}),
  h("video", {muted: true, playsInline: true, hidden: true}), ...others);

const button = (id, label, text, title) =>
  h("button", {type: "button", id, title, "aria-label": label}, text);

fill($("picture"),
  h("div", {id: "tools", role: "toolbar", "aria-label": "Tools"}),
  h("div", {id: "stage", tabIndex: 0, role: "application", "aria-label": "Picture to paint on. " +
    "Arrow keys move the pointer, Enter puts it down or lifts it."},
    h("div", {id: "panes"},
      pane("before", h("canvas", {id: "paint"}), h("div", {id: "pointer", hidden: true})),
      pane("after"),
      h("div", {id: "divider", hidden: true}))),
  h("div", {id: "timeline", role: "group", "aria-label": "Timeline"},
    button("back", "Previous frame", "‹", "Previous frame ( , )"),
    button("play", null, "Play", "Play or pause (Space)"),
    button("forth", "Next frame", "›", "Next frame ( . )"),
    h("div", {id: "track"},
      h("input", {type: "range", id: "frame", min: 0, step: 1, value: 0, "aria-label": "Frame"}),
      h("div", {id: "marks"})),
    h("output", {id: "place", title: "Frame, counted from 0, and the last frame"})),
  h("div", {id: "looks"},
    h("div", {id: "views", className: "choice", role: "radiogroup", "aria-label": "View"}),
    h("label", {id: "split-label", hidden: true}, "Slider ",
      h("input", {type: "range", id: "split", min: 0, max: 100, value: 50})),
    h("div", {id: "zooms", role: "group", "aria-label": "Zoom"})));
