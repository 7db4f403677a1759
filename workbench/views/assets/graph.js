// Fills the drawing of a pipeline with live values, and shows the last rows of the step that is clicked.
// Python draws (`svg`) and words everything; here text goes to places marked data-slot, classes to data-tone,
// widths to data-edge. Names and values that come from data are only ever set as text.

const STYLE = `
.wb-graph-view { font: 12px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
  color: var(--g-ink); font-variant-numeric: tabular-nums; background: var(--jp-layout-color0, transparent); }
.wb-graph-view .scroll { overflow-x: auto; }
.wb-graph-view .scroll > svg { display: block; }
.wb-graph-view .top { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; padding: 4px 14px 0; }
.wb-graph-view .status { font-weight: 650; }
.wb-graph-view .status::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 7px; border-radius: 50%; background: var(--g-processing); }
.wb-graph-view .status.paused::before, .wb-graph-view .status.stopped::before, .wb-graph-view .status.finished::before { border-radius: 1px; background: var(--g-muted); }
.wb-graph-view .status.failed { color: var(--g-bad); }
.wb-graph-view .status.failed::before { border-radius: 0; background: var(--g-bad); clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.wb-graph-view .event { color: var(--g-event); } .wb-graph-view .processing { color: var(--g-processing); }
.wb-graph-view .waits { list-style: none; margin: 0; padding: 0 14px 6px; color: var(--g-muted); min-height: 1.5em; }
.wb-graph-view .waits li::before { content: ""; display: inline-block; width: 6px; height: 6px; margin-right: 9px; border: 1.5px solid var(--g-event); border-radius: 50%; vertical-align: 1px; }
.wb-graph-view .peek { margin: 4px 14px 12px; border: 1px solid var(--g-line); border-radius: 7px; background: var(--g-paper); overflow: hidden; }
.wb-graph-view .peek header { display: flex; gap: 12px; align-items: baseline; padding: 6px 8px 6px 12px; border-bottom: 1px solid var(--g-line); }
.wb-graph-view .peek h3 { font-size: 13px; font-weight: 650; margin: 0; } .wb-graph-view .peek header span { color: var(--g-muted); flex: 1; }
.wb-graph-view .peek button { font: inherit; color: var(--g-ink); background: none; border: 1px solid var(--g-line); border-radius: 5px; padding: 1px 9px; cursor: pointer; }
.wb-graph-view .peek button:focus-visible { outline: 2px solid var(--g-event); }
.wb-graph-view .peek .rows { overflow: auto; max-height: 300px; }
.wb-graph-view table { border-collapse: collapse; margin: 0; font-size: 12px; color: var(--g-ink); }
.wb-graph-view th, .wb-graph-view td { padding: 2px 12px; text-align: left; white-space: nowrap; max-width: 340px; overflow: hidden; text-overflow: ellipsis; background: none; }
.wb-graph-view th { position: sticky; top: 0; background: var(--g-paper); border-bottom: 1px solid var(--g-line); font-weight: 600; vertical-align: bottom; }
.wb-graph-view th small { display: block; font-weight: 400; font-size: 11px; color: var(--g-muted); }
.wb-graph-view .n { text-align: right; } .wb-graph-view tbody tr:nth-child(even) { background: var(--g-ground); }
`;

function make(parent, tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

// JupyterLab says which theme it has; elsewhere the page's ground does, and last the reader's own preference.
function theme() {
  const told = document.body.dataset.jpThemeLight;
  if (told) return told === "false" ? "dark" : "light";
  const ground = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g);
  if (ground && (ground.length < 4 || Number(ground[3]) > 0)) {
    return 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] < 110 ? "dark" : "light";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function render({ model, el }) {
  const root = make(el, "div", "wb-graph-view");
  make(root, "style", "", STYLE);
  const top = make(root, "div", "top");
  const status = make(top, "span", "status");
  const clock = make(top, "span", "processing");
  const mark = make(top, "span", "event");
  const facts = make(top, "span", "facts");
  const waits = make(root, "ul", "waits");
  waits.setAttribute("aria-label", "what the watermark waits for");
  const scroll = make(root, "div", "scroll");
  const peek = make(root, "section", "peek");
  peek.hidden = true;
  let slots = new Map(), last = new Map();

  function draw() {
    scroll.innerHTML = model.get("svg"); // drawn by Python, which has escaped all that comes from data
    slots = new Map();
    last = new Map();
    for (const way of ["slot", "tone", "edge", "node"]) {
      for (const node of scroll.querySelectorAll(`[data-${way}]`)) slots.set(`${way} ${node.dataset[way]}`, node);
    }
    fill();
    mind();
  }

  function set(way, name, value, act) {
    const key = `${way} ${name}`, node = slots.get(key);
    if (!node || last.get(key) === value) return;
    last.set(key, value);
    act(node, value);
  }

  function fill() {
    const live = model.get("live") || {};
    for (const [name, value] of Object.entries(live.slots || {})) set("slot", name, value, (node, text) => { node.textContent = text; });
    for (const [name, value] of Object.entries(live.edges || {})) set("edge", name, value, (node, width) => { node.style.strokeWidth = `${width}px`; });
    for (const [name, value] of Object.entries(live.tones || {})) {
      set("tone", name, value, (node, tone) => { node.setAttribute("class", `${node.dataset.base} ${tone}`.trim()); });
    }
    for (const [name, value] of Object.entries(live.labels || {})) set("node", name, value, (node, label) => { node.setAttribute("aria-label", label); });
    status.textContent = live.status || "";
    status.className = `status ${live.status || ""}`;
    clock.textContent = live.now || "";
    mark.textContent = live.watermark || "";
    facts.textContent = live.facts || "";
    const lines = live.waits || [];
    while (waits.children.length > lines.length) waits.lastChild.remove();
    while (waits.children.length < lines.length) make(waits, "li");
    lines.forEach((line, at) => { if (waits.children[at].textContent !== line) waits.children[at].textContent = line; });
  }

  function mind() {
    for (const [key, node] of slots) {
      if (key.startsWith("node ")) node.setAttribute("aria-expanded", String(key === `node ${model.get("chosen")}`));
    }
  }

  function choose(name) {
    model.set("chosen", model.get("chosen") === name ? "" : name);
    model.save_changes();
  }

  function show() {
    const data = model.get("peek") || {};
    const before = peek.querySelector(".rows");
    const at = before ? [before.scrollLeft, before.scrollTop] : [0, 0];
    const held = peek.contains(peek.getRootNode().activeElement);
    peek.hidden = !data.title;
    peek.replaceChildren();
    if (!data.title) return;
    peek.setAttribute("aria-label", `last rows of ${data.title}`);
    const head = make(peek, "header");
    make(head, "h3", "", data.title);
    make(head, "span", "", data.note);
    const close = make(head, "button", "", "close");
    close.addEventListener("click", () => { const from = slots.get(`node ${model.get("chosen")}`); choose(model.get("chosen")); if (from) from.focus(); });
    if (held) close.focus();
    const rows = make(peek, "div", "rows");
    const table = make(rows, "table");
    const names = make(make(table, "thead"), "tr");
    for (const column of data.columns) {
      const cell = make(names, "th", column.number ? "n" : "", column.name);
      cell.scope = "col";
      make(cell, "small", "", column.dtype);
    }
    const body = make(table, "tbody");
    for (const row of data.rows) {
      const line = make(body, "tr");
      row.forEach((value, column) => make(line, "td", data.columns[column].number ? "n" : "", value));
    }
    [rows.scrollLeft, rows.scrollTop] = at;
  }

  scroll.addEventListener("click", (event) => {
    const node = event.target.closest("[data-node]");
    if (node) choose(node.dataset.node);
  });
  root.addEventListener("keydown", (event) => {
    const node = event.target.closest("[data-node]");
    if (node && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      event.stopPropagation(); // or JupyterLab would take it for the cell
      choose(node.dataset.node);
    }
    if (event.key === "Escape" && model.get("chosen")) {
      event.stopPropagation();
      choose(model.get("chosen"));
    }
  });

  const paint = () => { root.dataset.wbTheme = theme(); };
  paint();
  const watcher = new MutationObserver(paint);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class", "style"] });
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", paint);

  // whoever wants less motion sees new numbers once a second
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let filled = 0, later = null;
  function hear() {
    const early = calm.matches ? 1000 - (performance.now() - filled) : 0;
    clearTimeout(later);
    if (early > 0) { later = setTimeout(hear, early); return; }
    filled = performance.now();
    fill();
  }

  const heard = { "change:svg": draw, "change:live": hear, "change:peek": show, "change:chosen": mind };
  for (const [name, act] of Object.entries(heard)) model.on(name, act);
  draw();
  show();
  return () => {
    clearTimeout(later);
    watcher.disconnect();
    preference.removeEventListener("change", paint);
    for (const [name, act] of Object.entries(heard)) model.off(name, act);
  };
}

export default { render };
