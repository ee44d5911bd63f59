// The notebook widget: the parts of the page that paint, with the kernel as their server.
// `openPage` and `STYLE` come from patchvid/studio/widget.py.

const EMPTY = 204; // the status of an answer without a body

// Sends requests to the kernel as messages, and its messages back as responses.
function server(model) {
  const waiting = new Map();
  const own = crypto.getRandomValues(new Uint32Array(1))[0]; // other views get our answers too
  let count = 0;
  const take = ({view, number, status}, [body]) => {
    if (view !== own || !waiting.has(number)) return;
    waiting.get(number)(new Response(status === EMPTY ? null : body, {status}));
    waiting.delete(number);
  };
  model.on("msg:custom", take);
  const send = (path, {method = "GET", body = ""} = {}) => new Promise(done => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    waiting.set(++count, done);
    model.send({view: own, number: count, method, path}, undefined, [bytes]);
  });
  return {send, stop: () => model.off("msg:custom", take)};
}

function render({model, el}) {
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab's, such as B for a new cell
  const root = el.attachShadow({mode: "open"});
  root.innerHTML = `<main><section id="picture"></section><section id="paints"></section>
    <section id="queue"><ol id="jobs"></ol></section></main><p id="notice" role="alert" hidden></p>`;
  const style = document.createElement("style");
  style.textContent = STYLE;
  root.prepend(style);
  const {send, stop} = server(model);
  openPage({root, send});
  return stop;
}

export default {render};
