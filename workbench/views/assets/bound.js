// Fills a fixed piece of HTML with live values. The server sends only what is `told`; which value goes where is said in the
// HTML: data-text, data-class, data-bar, data-spark, data-show, data-value. Elements with data-command answer back. The
// part with the pill also speaks for the page: see page.js.

const STALE_AFTER = 4000; // ms without a word from the server

function spark(values) {
  const known = (values || []).filter((v) => v !== null && Number.isFinite(v));
  if (known.length < 2) return "";
  const low = Math.min(...known), high = Math.max(...known), span = high - low || 1;
  const step = 100 / (values.length - 1);
  const points = values
    .map((v, i) => (v === null || !Number.isFinite(v) ? null : `${(i * step).toFixed(2)},${(26 - (24 * (v - low)) / span).toFixed(2)}`))
    .filter((p) => p !== null)
    .join(" ");
  return `<svg viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points}" fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>`;
}

const WAYS = {
  text: (node, value) => { node.textContent = value; },
  class: (node, value) => { node.className = `${node.dataset.base || ""} ${value}`; },
  bar: (node, value) => { node.style.width = `${value}%`; },
  spark: (node, value) => { node.innerHTML = spark(value); },
  show: (node, value) => { node.hidden = !value; },
  value: (node, value) => { node.value = value; },
  label: (node, value) => { node.setAttribute("aria-label", value); },
  title: (node, value) => { node.title = value; },
};

export function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "bound";
  root.innerHTML = model.html;
  const slots = [];
  for (const way of Object.keys(WAYS)) {
    for (const node of root.querySelectorAll(`[data-${way}]`)) {
      slots.push({ way, node, name: node.dataset[way], last: undefined });
    }
  }
  const pill = root.querySelector("[data-pill]");
  const clock = root.querySelector("[data-clock]");
  let heard = performance.now();
  let commands = 0;

  function fill() {
    heard = performance.now();
    const data = JSON.parse(model.told);
    for (const slot of slots) {
      if (!(slot.name in data)) continue;
      const value = data[slot.name];
      const print = typeof value === "object" ? JSON.stringify(value) : value;
      if (print === slot.last) continue;
      slot.last = print;
      WAYS[slot.way](slot.node, value);
    }
    if (pill) document.dispatchEvent(new CustomEvent("workbench-state", { detail: data }));
    const soon = document.hidden ? (act) => setTimeout(act, 200) : requestAnimationFrame; // nothing is drawn unseen
    if (data.beat !== undefined) soon(() => { model.ack = data.beat; });
  }

  function tell(name, value) {
    commands += 1;
    model.command = { name, value: value || "", number: commands };
  }

  function say(event) {
    if (event.type === "click" && event.target.closest("[data-theme-toggle]")) document.dispatchEvent(new Event("workbench-theme"));
    const node = event.target.closest("[data-command]");
    if (!node || (event.type === "click") === node.matches("select, input")) return; // those say what is chosen, when it is
    tell(node.dataset.command, node.value);
  }

  let tried = 0;
  function watch() {
    if (clock) clock.textContent = new Date().toISOString().slice(11, 19);
    const silent = performance.now() - heard;
    const stale = silent > STALE_AFTER;
    document.documentElement.classList.toggle("stale", stale);
    pill.querySelector(".stale-word").textContent = stale ? "STALE" : ""; // said once, and not every second
    pill.querySelector(".stale-age").textContent = stale ? `${Math.round(silent / 1000)} s` : "";
    pill.classList.toggle("is-stale", stale);
    if (silent > 3 * STALE_AFTER && performance.now() - tried > 3000) {
      tried = performance.now();
      fetch(window.location.href, { method: "GET", cache: "no-store" })
        .then((answer) => { if (answer.ok && performance.now() - heard > 2 * STALE_AFTER) window.location.reload(); })
        .catch(() => {});
    }
  }
  const timer = pill ? setInterval(watch, 1000) : null;

  const passOn = ({ detail }) => tell(detail.name, detail.value);
  if (pill) {
    document.addEventListener("workbench-tell", passOn);
    document.dispatchEvent(new Event("workbench-ready"));
    watch();
  }
  root.addEventListener("click", say);
  root.addEventListener("change", say);
  model.on("told", fill);
  fill();
  el.append(root);
  return () => {
    if (timer) clearInterval(timer);
    document.removeEventListener("workbench-tell", passOn);
  };
}
