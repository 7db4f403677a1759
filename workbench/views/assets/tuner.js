// The watermark tuner: the curve of all bounds, on which the present one is a point. It is dragged, or moved with the
// keyboard, and the words say what that bound would give; a button lets the run go on with it.

const COUNT = new Intl.NumberFormat("en");
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

// A length in microseconds, in few letters: as in workbench.views.completeness.
function brief(micros) {
  const digits = micros < 60e6 ? 3 : 1;
  let rest = Number((micros / 1e6).toFixed(digits));
  const hours = Math.floor(rest / 3600);
  rest -= 3600 * hours;
  const minutes = Math.floor(rest / 60);
  rest = Number((rest - 60 * minutes).toFixed(3));
  const parts = [[hours, "h"], [minutes, "min"], [rest, "s"]].filter(([count]) => count);
  return parts.map(([count, unit]) => `${count}${unit}`).join(" ") || "0s";
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

export function render({ model, el }) {
  const root = html("div", { class: "wb-plane wb-tuner" });
  const svg = make("svg", { role: "group", "aria-label": "completeness against latency" });
  const said = html("p", { class: "words" });
  const bar = html("div", { class: "bar" });
  const use = html("button", { type: "button" });
  const back = html("button", { type: "button" });
  const told = html("span", { role: "status" });
  const handle = make("g", { role: "slider", tabindex: 0, class: "handle", "aria-label": "bound of disorder", "aria-valuemin": 0 });
  bar.append(use, back, told);
  root.append(svg, said, bar);
  el.append(root);

  let scene = null, chosen = null, dragging = false, number = 0; // chosen: a step, or null for the present bound

  const tuner = () => scene.tuner;
  const most = () => tuner().counts[0].length - 1;
  const bound = () => (chosen === null ? tuner().present : chosen * tuner().step);

  function words() {
    if (chosen === null) return scene.caption;
    const [onTime, accepted] = tuner().counts.map((rows) => rows[chosen]);
    const all = Math.max(tuner().rows, 1), late = tuner().rows - accepted;
    const first = `With a bound of ${brief(bound())} ${percent(onTime / all)} of rows come on time and ${percent(accepted / all)} in time to be accepted;`;
    const apart = bound() - tuner().present;
    const when = `Every answer is ${brief(Math.abs(apart))} ${apart > 0 ? "later" : "earlier"} than now.`;
    return `${first} ${COUNT.format(late)} of ${COUNT.format(tuner().rows)} come${late === 1 ? "s" : ""} too late. ${when}`;
  }

  function place() {
    const [left, right, top, bottom] = scene.frame;
    const at = Math.min(bound() / (tuner().step * most()), 1);
    const rows = tuner().counts[0][chosen === null ? Math.min(Math.floor(at * most()), most()) : chosen];
    const share = (rows / Math.max(tuner().rows, 1) - tuner().lowest) / (1 - tuner().lowest);
    return [left + at * (right - left), bottom - Math.max(share, 0) * (bottom - top)];
  }

  function move() {
    const [, , top, bottom] = scene.frame;
    const point = scene.below.find(([, name]) => name === "point");
    const [x, y] = chosen === null ? point[2].match(/[\d.]+/g).map(Number) : place();
    handle.replaceChildren(
      make("path", { class: "guide", d: `M${x} ${top}V${bottom}` }),
      make("circle", { class: "hit", cx: x, cy: y, r: 20 }),
      make("circle", { class: "ring", cx: x, cy: y, r: 8 }),
    );
    handle.setAttribute("aria-valuemax", (tuner().step * most()) / 1e6);
    handle.setAttribute("aria-valuenow", bound() / 1e6);
    handle.setAttribute("aria-valuetext", words());
    said.textContent = words();
    use.textContent = `Use a bound of ${brief(bound())}`;
    back.textContent = `Back to ${brief(tuner().present)}`;
    use.hidden = !tuner().usable;
    use.disabled = back.disabled = chosen === null;
    told.textContent = tuner().said;
  }

  function draw() {
    scene = model.get("scene");
    if (!scene || !scene.tuner) return;
    if (chosen !== null) chosen = Math.min(chosen, most());
    svg.setAttribute("viewBox", `0 0 ${scene.size[0]} ${scene.size[1]}`);
    const below = group(scene.below.filter(([, name]) => name !== "point"));
    svg.replaceChildren(group(scene.above), group(scene.under), below, handle);
    move();
  }

  function choose(step) {
    const least = Math.round(tuner().present / tuner().step);
    step = Math.max(0, Math.min(most(), step));
    chosen = step === least && Math.abs(step * tuner().step - tuner().present) < 1 ? null : step;
    move();
  }

  function point(event) {
    const box = svg.getBoundingClientRect(), [left, right] = scene.frame;
    const x = ((event.clientX - box.left) / box.width) * scene.size[0];
    choose(Math.round(((x - left) / (right - left)) * most()));
  }

  function key(event) {
    const now = chosen === null ? Math.round(tuner().present / tuner().step) : chosen;
    const there = event.key === "Home" ? 0 : event.key === "End" ? most() : event.key in KEYS ? now + KEYS[event.key] : null;
    if (there === null && event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation(); // or JupyterLab would take it for a command of its own
    if (event.key === "Escape") { chosen = null; move(); }
    else if (event.key === "Enter") want();
    else choose(there);
  }

  function want() {
    if (use.disabled || use.hidden) return;
    number += 1;
    model.set("wanted", { bound: bound(), number });
    model.save_changes();
    chosen = null;
    move();
  }

  svg.addEventListener("pointerdown", (event) => {
    const [, , top, bottom] = scene.frame, box = svg.getBoundingClientRect();
    const y = ((event.clientY - box.top) / box.width) * scene.size[0];
    if (y < top - 12 || y > bottom + 24) return;
    dragging = true;
    svg.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    point(event);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => { if (dragging) point(event); });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { dragging = false; });
  handle.addEventListener("keydown", key);
  use.addEventListener("click", want);
  back.addEventListener("click", () => { chosen = null; move(); });
  model.on("change:scene", draw);
  draw();
  return () => model.off("change:scene", draw);
}

export default { render };
