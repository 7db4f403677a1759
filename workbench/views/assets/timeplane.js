// Draws a time plane. What comes from the page itself: a cross-hair, the nearest mark in words, and going back in
// processing time. A scene of several is drawn as so many side by side; one without processing time has none to go back.

const PLAY = 12000; // ms from the first moment to the last
const REACH = 14; // px within which a mark is near
const SPOKEN = 10000; // ms between two captions for screen readers

const momentAt = ([first, last, low, high], place) => low + ((place - first) / (last - first)) * (high - low);

// A place on an axis in words, as fine as what it shows: by the zone's own clock, to which whoever drew it has moved it.
function momentIn(axis, place) {
  const [, , low, high] = axis, words = new Date(momentAt(axis, place)).toISOString();
  if (high - low >= 86400000) return `${words.slice(0, 10)} ${words.slice(11, 16)}`;
  return words.slice(11, high - low < 60000 ? 23 : 19);
}

export function render({ model, el }) {
  const told = asked(model);
  return told.get("scene").planes ? several({ model: told, el }) : single({ model: told, el });
}

// A part of Panel is told its scene as text; an anywidget has it.
function asked(model) {
  if (typeof model.get === "function") return model;
  let text = null, scene = {};
  const get = () => {
    if (text !== model.told) [text, scene] = [model.told, JSON.parse(model.told)];
    return scene;
  };
  return { get, on: (_, heard) => model.on("told", heard), off: (_, heard) => model.off("told", heard) };
}

// Each of several is drawn by itself, from its own part of the scene.
function several({ model, el }) {
  const row = html("div", { class: "wb-planes" });
  el.append(row);
  const peers = []; // who looks back at one looks back at all
  const ends = model.get("scene").planes.map((_, at) => {
    const cell = html("div", {});
    row.append(cell);
    const get = () => model.get("scene").planes[at];
    return single({ model: { get, on: (name, heard) => model.on(name, heard), off: (name, heard) => model.off(name, heard) }, el: cell }, peers);
  });
  return () => ends.forEach((end) => end());
}

function single({ model, el }, peers = []) {
  const clipped = `wb-plane-clip-${Math.random().toString(36).slice(2)}`; // other pictures have other frames
  const root = html("div", { class: "wb-plane" });
  const stage = html("div", { class: "stage" });
  const svg = make("svg", { role: "img", tabindex: 0, "aria-keyshortcuts": "ArrowLeft ArrowRight Escape" });
  const tip = html("div", { class: "tip", hidden: "" });
  const said = html("div", { class: "sr", "aria-live": "polite" });
  const play = html("button", { type: "button", "aria-label": "play from the first moment" }, "▶ Play");
  const slider = html("input", { type: "range", min: 0, max: 1000, value: 1000, "aria-label": "processing time" });
  const at = html("output", { "aria-hidden": "true" });
  const bar = html("div", { class: "bar" });
  bar.append(play, slider, at);
  stage.append(svg, tip);
  root.append(stage, bar, said);
  el.append(root);

  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let scene = null, over = null, veil = null, chosen = -1, playing = 0, spoken = 0;

  const following = () => Number(slider.value) >= 1000;

  function draw() {
    scene = model.get("scene");
    if (!scene || !scene.size) return;
    const [width, height] = scene.size, [left, right, top, bottom] = scene.frame;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", scene.label);
    const clip = make("clipPath", { id: clipped });
    clip.append(make("rect", { x: left, y: top, width: right - left, height: bottom - top }));
    const defs = make("defs", {});
    defs.append(clip, hatching());
    bar.hidden = !scene.up;
    const plot = group(scene.plot, { "clip-path": `url(#${clipped})` });
    veil = make("g", {});
    over = make("g", {});
    svg.replaceChildren(defs, group(scene.above), group(scene.under), plot, veil, over, group(scene.below));
    hold();
    const now = performance.now();
    if (now - spoken > SPOKEN) { spoken = now; said.textContent = scene.caption; }
  }

  // What came after the moment that the slider holds is veiled.
  function hold() {
    if (!scene || !scene.up) return;
    const [left, right, top] = scene.frame, [bottom, high] = scene.up;
    const y = bottom + (Number(slider.value) / 1000) * (high - bottom);
    const back = !following();
    veil.replaceChildren();
    if (back) {
      veil.append(make("rect", { class: "future", x: left + 1, y: top, width: right - left - 1, height: Math.max(0, y - top) }));
      veil.append(make("path", { class: "now", d: `M${left} ${y}H${right}` }));
    }
    at.textContent = back ? momentIn(scene.up, y) : scene.live ? "live" : "the end";
    slider.setAttribute("aria-valuetext", at.textContent);
  }

  function seen() {
    if (!scene.up) return scene.points;
    const [bottom, high] = scene.up;
    const y = bottom + (Number(slider.value) / 1000) * (high - bottom);
    return scene.points.filter((point) => point[1] >= y - 1);
  }

  function tell(x, y, words) {
    const scale = svg.clientWidth / scene.size[0];
    tip.textContent = words;
    tip.hidden = false;
    const beyond = x * scale + 14 + tip.offsetWidth > svg.clientWidth;
    tip.style.left = `${beyond ? x * scale - 14 - tip.offsetWidth : x * scale + 14}px`;
    tip.style.top = `${Math.max(0, y * scale - tip.offsetHeight - 10)}px`;
  }

  function quiet() {
    tip.hidden = true;
    chosen = -1;
    if (over) over.replaceChildren();
  }

  function point(event) {
    if (!scene) return;
    const box = svg.getBoundingClientRect(), scale = scene.size[0] / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    const [left, right, top, bottom] = scene.frame;
    if (x < left || x > right || y < top || y > bottom) return quiet();
    let near = null, least = REACH * REACH;
    for (const each of seen()) {
      const away = (each[0] - x) ** 2 + (each[1] - y) ** 2;
      if (away < least) [near, least] = [each, away];
    }
    if (!scene.up && !near) return quiet();
    over.replaceChildren(make("path", { class: "cross", d: `M${x} ${top}V${bottom}M${left} ${y}H${right}` }));
    if (!scene.up) over.replaceChildren();
    if (near) over.append(make("circle", { class: "near", cx: near[0], cy: near[1], r: 8 }));
    if (near) return tell(x, y, near[2]);
    tell(x, y, `event time ${momentIn(scene.across, x)} · processing time ${momentIn(scene.up, y)}`);
  }

  function key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") return quiet();
    if (!step || !scene || !scene.points.length) return;
    event.preventDefault();
    const points = seen().sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    if (!points.length) return quiet();
    chosen = Math.min(points.length - 1, Math.max(0, chosen + step));
    const [x, y, words] = points[chosen];
    over.replaceChildren(make("circle", { class: "near", cx: x, cy: y, r: 9 }));
    tell(x, y, words);
    said.textContent = words;
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "▶ Play";
    play.setAttribute("aria-label", "play from the first moment");
  }

  function start() {
    const from = following() ? 0 : Number(slider.value);
    const begun = performance.now() - (from / 1000) * PLAY;
    play.textContent = "❚❚ Pause";
    play.setAttribute("aria-label", "pause");
    const move = (now) => {
      const share = Math.min(1000, ((now - begun) / PLAY) * 1000);
      slider.value = still.matches ? Math.floor(share / 50) * 50 : share; // no glide for those who want none
      hold();
      lead();
      if (share >= 1000) { slider.value = 1000; stop(); draw(); lead(); } else playing = requestAnimationFrame(move);
    };
    playing = requestAnimationFrame(move);
  }

  const lead = () => peers.forEach((each) => each !== follow && each(slider.value));
  const follow = (value) => { stop(); slider.value = value; if (following()) draw(); else hold(); };
  peers.push(follow);
  let told = null; // where the run is looked back to, by a slider elsewhere
  const changed = () => {
    const back = model.get("scene").at ?? null;
    if (back !== told) { stop(); slider.value = back ?? 1000; }
    if (following() || !scene || back !== null || back !== told) draw(); // whoever looks back is not pulled away
    told = back;
  };
  const slid = () => { stop(); if (following()) draw(); else hold(); lead(); quiet(); };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerleave", quiet);
  svg.addEventListener("keydown", key);
  svg.addEventListener("blur", quiet);
  slider.addEventListener("input", slid);
  play.addEventListener("click", () => (playing ? stop() : start()));
  model.on("change:scene", changed);
  draw();
  return () => { stop(); model.off("change:scene", changed); };
}

export default { render };
