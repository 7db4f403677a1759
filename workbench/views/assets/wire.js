// Fills the parts of a page with live values. The server sends only what has changed; which value goes where is said in
// the HTML: data-text, data-class, data-bar, data-spark, data-show, data-value, data-label, data-title, within a
// data-part. Elements with data-command answer back. It also tells how old the page is: see page.js for the rest.

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

function bound(node) {
  const slots = Object.keys(WAYS).flatMap((way) =>
    [...node.querySelectorAll(`[data-${way}]`)].map((each) => ({ way, node: each, name: each.dataset[way], last: undefined })));
  return { node, slots };
}

function write(slots, data) {
  for (const slot of slots) {
    if (!(slot.name in data)) continue;
    const value = data[slot.name];
    const print = typeof value === "object" ? JSON.stringify(value) : value;
    if (print === slot.last) continue;
    slot.last = print;
    WAYS[slot.way](slot.node, value);
  }
}

export function render({ model }) {
  const places = new Map([...document.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, bound(node)]));
  const pill = document.querySelector("[data-pill]");
  const clock = document.querySelector("[data-clock]");
  let heard = performance.now(), commands = 0, tried = 0;

  function fill() {
    heard = performance.now();
    const { beat, parts } = JSON.parse(model.told);
    for (const [name, { html, data }] of Object.entries(parts)) {
      const place = places.get(name);
      if (!place) continue;
      if (html !== undefined && html !== place.html) {
        place.node.innerHTML = html;
        places.set(name, Object.assign(bound(place.node), { html }));
      }
      write(places.get(name).slots, data);
    }
    if (parts.head) document.dispatchEvent(new CustomEvent("workbench-state", { detail: parts.head.data }));
    const soon = document.hidden ? (act) => setTimeout(act, 200) : requestAnimationFrame; // nothing is drawn unseen
    soon(() => { model.ack = beat; });
    return parts;
  }

  function tell(name, value, part) {
    commands += 1;
    model.command = { part: part || "", name, value: value || "", number: commands };
  }

  function say(event) {
    const node = event.target.closest("[data-command]");
    if (!node || (event.type === "click") === node.matches("select, input")) return; // those say what is chosen, when it is
    tell(node.dataset.command, node.value, node.closest("[data-part]")?.dataset.part);
  }

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

  const passOn = ({ detail }) => tell(detail.name, detail.value);
  document.addEventListener("workbench-tell", passOn);
  document.addEventListener("click", say);
  document.addEventListener("change", say);
  model.on("told", fill);
  const timer = setInterval(watch, 1000);
  const known = fill();
  if ([...places.keys()].some((name) => !(name in known))) tell("whole"); // as after a connection that was lost
  document.dispatchEvent(new Event("workbench-ready"));
  watch();
  return () => {
    clearInterval(timer);
    document.removeEventListener("workbench-tell", passOn);
    document.removeEventListener("click", say);
    document.removeEventListener("change", say);
  };
}
