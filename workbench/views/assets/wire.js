// Fills the parts of a page with live values, and its figures with rows. The server sends only what has changed; which
// value goes where is said in the HTML: data-text, data-class, data-bar, data-spark, data-show, data-value, data-label,
// data-title, data-scene, within a data-part. Elements with data-command answer back. It also tells how old the page is:
// see page.js for the rest.
(() => {

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
  scene: (node, value) => { node.told = value; },
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


// What a source holds after a step: all anew, or some rows off at the front, cells changed, and rows added at the end.
function stepped(held, { all, drop, cells, fresh }) {
  if (all) return Object.fromEntries(Object.entries(all).map(([name, column]) => [name, numbers(column)]));
  return Object.fromEntries(
    Object.entries(held).map(([name, column]) => {
      const now = Array.from(column).slice(drop);
      const [rows, values] = cells[name] || [[], []];
      rows.forEach((row, i) => { now[row] = values[i]; });
      return [name, numbers(now.concat(fresh[name] || []))];
    }),
  );
}

// JSON has no NaN, and Bokeh draws nothing only where one is.
function numbers(column) {
  const known = column.every((value) => value === null || typeof value === "number");
  return known ? Float64Array.from(column, (value) => value ?? NaN) : column;
}

function begin() {
  const places = new Map([...document.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, bound(node)]));
  const pill = document.querySelector("[data-pill]");
  const clock = document.querySelector("[data-clock]");
  const waiting = [];
  let heard = performance.now(), beat = null, tried = 0, lost = false, asking = false, bokeh = null;

  function fill(text) {
    heard = performance.now();
    const frame = JSON.parse(text);
    if (frame.after !== null && frame.after !== beat) { // one was lost
      tell("whole");
      return;
    }
    for (const [name, { html, data }] of Object.entries(frame.parts)) {
      const place = places.get(name);
      if (!place) continue;
      if (html !== undefined && html !== place.html) {
        place.node.innerHTML = html;
        places.set(name, Object.assign(bound(place.node), { html }));
      }
      write(places.get(name).slots, data);
    }
    let missing = false;
    for (const [place, steps] of Object.entries(frame.tables)) {
      for (const [table, step] of Object.entries(steps)) {
        const source = bokeh.get_model_by_name(`${place}/${table}`) ?? bokeh.get_model_by_id(table);
        if (!source) { // a picture that is drawn anew comes by another way
          missing = true;
          continue;
        }
        const came = source.data instanceof Map ? Object.fromEntries(source.data) : source.data;
        source.setv({ data: stepped(came, step) }, { sync: false, check_eq: false }); // or it would be sent back
      }
    }
    beat = frame.beat;
    if (missing) setTimeout(() => tell("whole"), 250);
    if (frame.parts.drawer) document.dispatchEvent(new CustomEvent("workbench-drawer", { detail: frame.parts.drawer.data }));
    if (frame.parts.head) document.dispatchEvent(new CustomEvent("workbench-state", { detail: frame.parts.head.data }));
    const soon = document.hidden ? (act) => setTimeout(act, 200) : requestAnimationFrame; // nothing is drawn unseen
    if (bokeh) soon(() => send(beat));
  }

  function send(message) {
    if (!bokeh) {
      waiting.push(message); // the page is there before the connection is
      return;
    }
    const { MessageSentEvent } = Bokeh.require("document/events");
    bokeh._trigger_on_change(new MessageSentEvent(bokeh, "workbench", message));
  }

  function tell(name, value, part) {
    send({ part: part || "", name, value: value || "" });
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
    const patience = (bokeh ? 3 : 15) * STALE_AFTER; // a server that is just starting takes longer to send the first
    if ((lost || silent > patience) && performance.now() - tried > 3000) comeBack();
  }

  function comeBack() { // what is looked at is in the address; health costs a server nothing, a page half a second
    if (asking) return;
    asking = true;
    fetch("health", { cache: "no-store" })
      .then((answer) => { // one that is not well says so in JSON; a proxy without a server behind it does not
        const there = answer.status < 500 || answer.headers.get("Content-Type")?.includes("json");
        if (there && (lost || performance.now() - heard > 2 * STALE_AFTER)) window.location.reload();
      })
      .catch(() => {})
      .finally(() => { asking = false; tried = performance.now(); });
  }

  function connect() {
    bokeh = window.Bokeh?.documents?.[0];
    if (!bokeh) {
      setTimeout(connect, 20);
      return;
    }
    heard = performance.now(); // of the document, though not yet of what is new in it
    bokeh.on_message("workbench", fill);
    bokeh.on_event("connection_lost", () => { // Bokeh connects again, and cannot read the document that it asks for
      lost = true;
      comeBack();
    });
    send(beat);
    waiting.splice(0).forEach(send);
    document.dispatchEvent(new Event("workbench-ready"));
  }

  document.addEventListener("workbench-tell", ({ detail }) => tell(detail.name, detail.value));
  document.addEventListener("click", say);
  document.addEventListener("change", say);
  setInterval(watch, 1000);
  fill(document.querySelector("[data-frame]").textContent);
  watch();
  connect();
}

document.addEventListener("DOMContentLoaded", begin, { once: true }); // Panel's es-module-shims says it a second time
})();
