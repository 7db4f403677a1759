// Draws a Bokeh document in a notebook. BokehJS comes from the kernel, once a page; then the document, and what
// changes of it. The page says when it has drawn something, so the kernel never gets far ahead of it.

const libraries = (window.workbenchBokeh ??= { here: {}, asked: {} }); // by version: BokehJS, and parts asked for
const PATIENCE = 10000; // ms until a part is asked for again, of whoever is still there
const INKED = /Axis$|^Grid$|^Legend$|^Title$|^ColorBar$/;
const INKS = [
  "axis_label_text_color", "axis_line_color", "grid_line_color", "label_text_color", "major_label_text_color",
  "major_tick_line_color", "minor_tick_line_color", "text_color", "title_text_color",
];

function run(version, script) {
  const before = window.Bokeh;
  if (libraries.here[version]) window.Bokeh = libraries.here[version]; // what comes later adds to it
  const node = document.createElement("script");
  node.textContent = script;
  document.head.append(node);
  node.remove();
  libraries.here[version] = window.Bokeh;
  if (before) window.Bokeh = before;
}

// One message of a kind, or nothing after a while.
function answer(model, wanted, ask) {
  return new Promise((resolve) => {
    const done = (found) => {
      clearTimeout(timer);
      model.off("msg:custom", heard);
      resolve(found);
    };
    const heard = (content, buffers) => wanted(content) && done(buffers);
    const timer = setTimeout(done, PATIENCE);
    model.on("msg:custom", heard);
    model.send(ask);
  });
}

async function fetched(model, part) {
  const version = model.get("version");
  const key = `${part} ${version}`;
  while (!libraries.here[key]) {
    libraries.asked[key] ??= answer(model, (content) => content.library === part, { want: "library", part });
    const buffers = await libraries.asked[key];
    delete libraries.asked[key];
    if (libraries.here[key] || !buffers) continue;
    libraries.here[key] = true;
    run(version, new TextDecoder().decode(buffers[0]));
  }
  return libraries.here[version];
}

function isDark() {
  return document.body.dataset.jpThemeLight === "false" || document.body.classList.contains("vscode-dark");
}

// Words, axes and grids take the colours of the page; what shows data keeps its own.
function ink(doc, dark) {
  const swap = isDark() ? dark : Object.fromEntries(Object.entries(dark).map(([light, other]) => [other, light]));
  for (const model of doc.all_models) {
    if (!INKED.test(model.type.split(".").pop()) && !model.type.endsWith("Axis")) continue;
    const changed = {};
    for (const name of INKS) if (name in model.properties && swap[model[name]]) changed[name] = swap[model[name]];
    model.setv(changed);
  }
}

export default () => {
  const views = new Set();
  const page = Math.random().toString(36).slice(2); // a notebook may be open in several

  async function draw(view, content, model) {
    let Bokeh;
    for (const part of content.parts) Bokeh = await fetched(model, part);
    if (!views.has(view)) return;
    view.drawn?.clear?.();
    const doc = Bokeh.require("document/document").Document.from_json(content.document);
    ink(doc, model.get("dark"));
    const fresh = document.createElement("div");
    view.el.replaceChildren(fresh);
    view.drawn = await Bokeh.embed.add_document_standalone(doc, fresh, [], false);
    view.document = doc;
    view.waits = false;
  }

  async function show(content, model) {
    if (content.document)
      for (const view of views) if (view.waits || content.again) await draw(view, content, model);
    if (content.patch)
      for (const view of views) if (view.document) view.document.apply_json_patch(content.patch, new Map());
  }

  return {
    initialize({ model }) {
      let queue = Promise.resolve();
      model.on("msg:custom", (content) => {
        if (content.number === undefined) return;
        queue = queue
          .then(() => show(content, model))
          .catch((error) => {
            console.error("workbench: a picture could not be brought up to date", error);
            for (const view of views) view.waits = true; // and is drawn anew
            if (content.patch) model.send({ want: "document" });
          })
          .then(() => requestAnimationFrame(() => model.send({ ack: content.number })));
      });
    },
    render({ model, el }) {
      el.setAttribute("role", "figure");
      el.classList.add("wb-figure");
      const name = () => el.setAttribute("aria-label", model.get("label"));
      model.on("change:label", name);
      name();
      const view = { el: document.createElement("div"), waits: true };
      el.append(view.el);
      views.add(view);
      model.send({ views: views.size, page });
      const lights = new MutationObserver(() => view.document && ink(view.document, model.get("dark")));
      lights.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
      model.send({ want: "document" });
      return () => {
        lights.disconnect();
        views.delete(view);
        model.send({ views: views.size, page });
        model.off("change:label", name);
        view.drawn?.clear?.();
      };
    },
  };
};
