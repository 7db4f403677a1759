// What the pictures share: a scene is rectangles, paths and words at their places. Words are set as text, never read as
// HTML.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes, words) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== undefined) node.textContent = words;
  return node;
}

function html(tag, attributes, words) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== undefined) node.textContent = words;
  return node;
}

function drawn([kind, name, ...rest]) {
  if (kind === "rect") {
    const [x, y, width, height, opacity] = rest;
    return make("rect", { class: name, x, y, width, height, ...(opacity === undefined ? {} : { opacity }) });
  }
  if (kind === "path") return make("path", { class: name, d: rest[0] });
  return make("text", { class: name, x: rest[0], y: rest[1] }, rest[2]);
}

function group(shapes, attributes = {}) {
  const node = make("g", attributes);
  node.append(...shapes.map(drawn));
  return node;
}

// The hatch of windows that are open; each picture brings its own.
function hatching() {
  const hatch = make("pattern", { id: "wb-plane-hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  hatch.append(make("path", { class: "hatch", d: "M0 0V7" }));
  return hatch;
}

