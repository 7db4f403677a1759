// The transport bar: holds, steps and rewinds a run. Shown by anywidget in notebooks, and by Panel when served.
const ICONS = {
  rewind: "M11 4 4 10l7 6zM18 4l-7 6 7 6z",
  play: "M5 3l12 7-12 7z",
  pause: "M5 3h4v14H5zM11 3h4v14h-4z",
  batch: "M4 4l8 6-8 6zM14 4h3v12h-3z",
  watermark: "M3 16h5v-6h5V4h4",
  pane: "M3 5h14v10H3zM3 10h14",
  stop: "M4 4h12v12H4z",
};
const OUTLINED = new Set(["watermark", "pane"]);
const BUTTONS = [
  ["rewind", "back", "ArrowLeft"],
  ["pause", "pause or go on", " "],
  ["batch", "one batch", "ArrowRight"],
  ["watermark", "to the next watermark", "w"],
  ["pane", "to the next pane", "p"],
  ["stop", "stop the run", "s"],
];
const STYLE = `
.wb-transport { display: flex; flex-wrap: wrap; align-items: center; gap: 4px; font: 12px/1.4 system-ui, sans-serif;
  color: var(--jp-ui-font-color1, #1b2430); padding: 2px 0 }
.wb-transport button, .wb-transport select { height: 28px; border: 1px solid var(--jp-border-color1, #c9d1da); border-radius: 4px;
  background: var(--jp-layout-color1, #fff); color: inherit; font: inherit }
.wb-transport button { width: 32px; padding: 0; display: grid; place-items: center; cursor: pointer }
.wb-transport button:hover:not(:disabled) { border-color: currentColor }
.wb-transport button:disabled { opacity: .4; cursor: default }
.wb-transport :focus-visible { outline: 2px solid #0072B2; outline-offset: 1px }
.wb-transport svg { width: 16px; height: 16px }
.wb-health, .wb-progress, .wb-look { font-variant-numeric: tabular-nums }
.wb-health { margin-left: 8px }
.wb-look { display: flex; align-items: center; gap: 6px; margin-left: 4px }
.wb-transport .wb-look button { width: auto; padding: 0 8px }
.wb-look input { width: 110px; accent-color: var(--wb-processing, #00795a) }
.wb-look output { color: var(--wb-processing, #00795a); min-width: 2.5em }
.wb-progress { margin-left: 8px; display: flex; align-items: center; gap: 8px }
.wb-progress progress { width: 110px; height: 8px; accent-color: var(--wb-processing, #00795a) }
.wb-card { flex-basis: 100%; display: flex; flex-wrap: wrap; gap: 2px 24px; align-items: flex-start; padding: 4px 2px 2px }
.wb-card h3 { flex-basis: 100%; margin: 0; font-size: 13px; font-weight: 650 }
.wb-card table { border-collapse: collapse; margin: 0; font-size: 12px; color: inherit }
.wb-card td { padding: 1px 16px 1px 0; text-align: left }
.wb-card svg { width: 240px; height: 40px; color: var(--wb-processing, #00795a) }
.wb-card figure { margin: 0 } .wb-card .error { flex-basis: 100%; font-weight: 600 }
.wb-said { flex-basis: 100%; font-weight: 600; border-left: 3px solid #D55E00; padding-left: 8px; overflow-wrap: anywhere }
.wb-said:empty { display: none }
.wb-health .event { color: var(--wb-event, #0072B2) } .wb-health .processing { color: var(--wb-processing, #00795a) }
[data-jp-theme-light="false"] .wb-transport { --wb-event: #56B4E9; --wb-processing: #2fc79a }
`;

function icon(name) {
  const line = OUTLINED.has(name) ? 'fill="none" stroke="currentColor" stroke-width="2"' : 'fill="currentColor"';
  return `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}" ${line}/></svg>`;
}

function make(tag, name, words) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (words !== undefined) node.textContent = words;
  return node;
}

// A slider over the time that is remembered; at its end the views show the present.
function lookingBack(model) {
  const root = make("span", "wb-look"), slider = make("input"), at = make("output");
  Object.assign(slider, { type: "range", min: 0, max: 1000, value: 1000, title: "look back: the views show what had come out by then" });
  slider.setAttribute("aria-label", "look back in processing time");
  root.append(slider, at);
  let span = null, held = false, waiting = 0;
  slider.addEventListener("input", () => {
    held = true;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      held = false;
      const share = Number(slider.value) / 1000;
      model.send(share >= 1 || !span ? { act: "look" } : { act: "look", at: span.since + share * (span.until - span.since) });
    }, 80);
  });
  const update = (told) => {
    span = told.since === undefined ? null : told;
    root.hidden = !span;
    if (!span) return;
    at.textContent = told.words;
    slider.setAttribute("aria-valuetext", told.words);
    if (held) return;
    const share = told.at === null ? 1 : (told.at - told.since) / Math.max(told.until - told.since, 1);
    slider.value = told.at === null ? 1000 : Math.min(999, Math.round(1000 * share));
  };
  return { root, update };
}

function line(values) {
  const most = Math.max(...values, 1e-9), last = Math.max(values.length - 1, 1);
  const points = values.map((value, at) => `${((240 * at) / last).toFixed(1)},${(38 - (36 * value) / most).toFixed(1)}`);
  return `<svg viewBox="0 0 240 40" aria-hidden="true"><polyline points="${points.join(" ")}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>`;
}

function showCard(card, told) {
  const figure = make("figure"), table = make("table");
  if (told.rates.length > 1) {
    figure.innerHTML = line(told.rates); // numbers only
    figure.append(make("figcaption", "", `up to ${Math.max(...told.rates).toLocaleString("en")} rows a second of processing time`));
  }
  for (const row of told.results) {
    const cells = make("tr");
    cells.append(...row.map((word) => make("td", "", word)));
    table.append(cells);
  }
  card.replaceChildren(make("h3", "", told.name), ...told.errors.map((words) => make("div", "error", words)), figure, table);
}

function render({ model, el }) {
  const bar = document.createElement("div");
  bar.className = "wb-transport";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "transport of the run");
  const style = document.createElement("style");
  style.textContent = STYLE;
  const buttons = {};
  for (const [act, title, key] of BUTTONS) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    button.setAttribute("aria-keyshortcuts", key === " " ? "Space" : key);
    button.innerHTML = icon(act);
    button.addEventListener("click", () => model.send({ act }));
    buttons[act] = button;
    bar.append(button);
  }
  const speed = document.createElement("select");
  speed.title = "speed of processing time";
  speed.setAttribute("aria-label", speed.title);
  speed.addEventListener("change", () => model.send({ act: "speed", speed: speed.value }));
  const look = lookingBack(model);
  const progress = make("span", "wb-progress"), meter = make("progress"), far = make("span");
  meter.max = 1;
  meter.setAttribute("aria-label", "how much of the sources has been read");
  progress.append(meter, far);
  const health = make("span", "wb-health");
  health.setAttribute("role", "status");
  const card = make("div", "wb-card"), said = make("div", "wb-said");
  said.setAttribute("role", "alert");
  bar.append(speed, look.root, health, progress, said, card);
  bar.addEventListener("keydown", (event) => {
    const found = BUTTONS.find(([, , key]) => key === event.key);
    if (!found || event.target === speed || event.target.type === "range" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // or JupyterLab would take it for a command of its own
    if (!buttons[found[0]].disabled) model.send({ act: found[0] });
  });

  function update() {
    const state = model.get("state");
    const paused = state.status === "paused";
    buttons.pause.innerHTML = icon(paused ? "play" : "pause");
    buttons.pause.setAttribute("aria-pressed", String(paused));
    for (const button of Object.values(buttons)) button.disabled = state.over;
    speed.disabled = state.over;
    if ([...speed.options].map((option) => option.value).join() !== state.speeds.join())
      speed.replaceChildren(...state.speeds.map((label) => new Option(label, label)));
    if (document.activeElement !== speed) speed.value = state.speed;
    health.replaceChildren(
      ...state.words.flatMap(([kind, words], at) => {
        const part = document.createElement(at ? "span" : "b");
        part.className = kind;
        part.textContent = words;
        return at ? [" · ", part] : [part];
      }),
    );
    meter.hidden = state.progress.share === null;
    meter.value = state.progress.share || 0;
    far.textContent = state.progress.words;
    look.update(state.look);
    if (said.textContent !== (state.wrong || "")) said.textContent = state.wrong || "";
    card.hidden = !state.card;
    if (state.card) showCard(card, state.card);
  }
  model.on("change:state", update);
  update();
  el.append(style, bar);
  return () => model.off("change:state", update);
}

export default { render };
