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
.wb-health { margin-left: 8px; font-variant-numeric: tabular-nums }
.wb-health .event { color: var(--wb-event, #0072B2) } .wb-health .processing { color: var(--wb-processing, #00795a) }
[data-jp-theme-light="false"] .wb-transport { --wb-event: #56B4E9; --wb-processing: #2fc79a }
`;

function icon(name) {
  const line = OUTLINED.has(name) ? 'fill="none" stroke="currentColor" stroke-width="2"' : 'fill="currentColor"';
  return `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}" ${line}/></svg>`;
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
  const health = document.createElement("span");
  health.className = "wb-health";
  health.setAttribute("role", "status");
  bar.append(speed, health);
  bar.addEventListener("keydown", (event) => {
    const found = BUTTONS.find(([, , key]) => key === event.key);
    if (!found || event.target === speed || event.ctrlKey || event.metaKey || event.altKey) return;
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
    if (speed.options.length !== state.speeds.length)
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
  }
  model.on("change:state", update);
  update();
  el.append(style, bar);
  return () => model.off("change:state", update);
}

export default { render };
