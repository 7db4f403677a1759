// The controls of a run: sliders, lists and boxes that stand where the run is, and a line on what took effect.
const STYLE = `
.wb-controls { font: 12px/1.4 system-ui, sans-serif; color: var(--jp-ui-font-color1, #1b2430); padding: 2px 0;
  --wb-accent: var(--jp-ui-font-color2, #5b6675) }
.wb-controls .groups { display: flex; flex-wrap: wrap; gap: 8px; align-items: flex-start }
.wb-controls fieldset { margin: 0; padding: 4px 12px 8px; border: 1px solid var(--jp-border-color1, #c9d1da); border-radius: 6px;
  min-width: 0; display: grid; grid-template-columns: max-content 150px minmax(6.5em, max-content); gap: 4px 10px; align-content: start;
  align-items: center }
.wb-controls legend { padding: 0 6px; font-weight: 650 }
.wb-controls label { white-space: nowrap }
.wb-controls output { font-variant-numeric: tabular-nums; white-space: nowrap }
.wb-controls input[type=range] { width: 150px; margin: 0; accent-color: var(--wb-accent) }
.wb-controls input[type=checkbox] { margin: 0; width: 16px; height: 16px; accent-color: var(--wb-accent) }
.wb-controls select { font: inherit; color: inherit; background: var(--jp-layout-color1, #fff);
  border: 1px solid var(--jp-border-color1, #c9d1da); border-radius: 4px; min-height: 26px; width: 150px }
.wb-controls select[multiple] { min-height: 84px; padding: 2px }
.wb-controls fieldset.switches { grid-template-columns: repeat(2, max-content); gap: 4px 18px }
.wb-controls .switches label { display: flex; gap: 6px; align-items: center }
.wb-controls [data-group="watermark"], .wb-controls [data-group="windows"] { --wb-accent: #0072B2 }
.wb-controls [data-group="time"] { --wb-accent: #00795a }
.wb-controls [data-group="watermark"] output, .wb-controls [data-group="windows"] output,
.wb-controls [data-group="time"] output { color: var(--wb-accent) }
.wb-controls :focus-visible { outline: 2px solid #0072B2; outline-offset: 2px }
.wb-controls :disabled { opacity: .6 } .wb-controls select:disabled { opacity: .9 }
.wb-controls .said { margin: 6px 2px 0; min-height: 1.4em; overflow-wrap: anywhere }
.wb-controls .said.wrong { font-weight: 600; border-left: 3px solid #D55E00; padding-left: 8px }
[data-jp-theme-light="false"] .wb-controls { color-scheme: dark }
[data-jp-theme-light="false"] .wb-controls [data-group="watermark"], [data-jp-theme-light="false"] .wb-controls [data-group="windows"] { --wb-accent: #56B4E9 }
[data-jp-theme-light="false"] .wb-controls [data-group="time"] { --wb-accent: #2fc79a }
[data-jp-theme-light="false"] .wb-controls :focus-visible { outline-color: #56B4E9 }
`;
let made = 0;

function make(tag, name, words) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (words !== undefined) node.textContent = words;
  return node;
}

// What is on a list that shifts has an id of its own.
function options(select, { steps, ids }) {
  select.replaceChildren(...steps.map((words, at) => Object.assign(make("option", "", words), { value: ids ? ids[at] : words })));
}

function opened(select) {
  return CSS.supports("selector(:open)") && select.matches(":open");
}

// One control: its nodes, and how it is made to stand somewhere.
function control(dial, turn) {
  const input = make(dial.kind === "choice" || dial.kind === "several" ? "select" : "input");
  const label = make("label", "", dial.label), output = make("output");
  let steps = dial.steps, listed = "", held = false, asked = 0;
  input.id = `wb-control-${(made += 1)}`;
  input.dataset.control = dial.name;
  input.title = label.title = dial.hint;
  input.setAttribute("aria-description", dial.hint);
  label.htmlFor = output.htmlFor = input.id;
  if (dial.kind === "several") input.multiple = true;
  if (dial.kind === "switch") input.type = "checkbox";
  if (dial.kind === "slider") {
    Object.assign(input, { type: "range", min: 0, step: 1 });
    const released = () => (held = false); // put back where it was, it does not change
    input.addEventListener("pointerdown", () => window.addEventListener("pointerup", released, { once: true }));
    input.addEventListener("input", () => { // told, and applied when it is let go
      held = true;
      output.textContent = steps[Number(input.value)];
      input.setAttribute("aria-valuetext", steps[Number(input.value)]);
    });
  }
  input.addEventListener("change", () => {
    held = false;
    const chosen = {
      switch: () => Number(input.checked),
      several: () => [...input.selectedOptions].map((option) => option.value),
      choice: () => input.selectedIndex,
      slider: () => Number(input.value),
    };
    asked = turn(dial.name, chosen[dial.kind]());
  });

  // Whether it stands there wholly: a list does not shift under who is choosing from it.
  function stand(now, over) {
    const list = JSON.stringify([now.steps, now.ids]), waits = input.multiple && list !== listed && input.matches(":focus");
    steps = now.steps;
    if (input.options && list !== listed && !waits) {
      options(input, now);
      listed = list;
    }
    input.disabled = over;
    output.textContent = dial.kind === "choice" && now.at >= 0 ? "" : now.words; // the list says it itself
    if (dial.kind === "switch") input.checked = now.at === 1;
    else if (dial.kind === "choice") input.selectedIndex = now.at;
    else if (dial.kind === "several") [...input.options].forEach((option) => (option.selected = now.at.includes(option.value)));
    else {
      input.max = steps.length - 1;
      input.value = now.at;
      input.setAttribute("aria-valuetext", now.words);
    }
    return !waits;
  }
  const nodes = dial.kind === "switch" ? [label] : [label, input, output];
  if (dial.kind === "switch") label.prepend(input);
  // what comes from the run before it has heard the last turn must not undo it
  return { nodes, stand, input, busy: (heard) => held || asked > heard || input.matches(":active") || opened(input) };
}

function render({ model, el }) {
  const root = make("div", "wb-controls"), style = make("style"), groups = make("div", "groups"), said = make("div", "said");
  style.textContent = STYLE;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "controls of the run");
  said.setAttribute("role", "status");
  root.append(groups, said);
  for (const name of ["keydown", "keypress"]) { // or JupyterLab would take them for commands of its own
    root.addEventListener(name, (event) => event.key !== "Escape" && event.stopPropagation());
  }
  let shape = "", controls = {}, before = {}, turns = model.get("state").heard;
  const turn = (name, at) => {
    model.send({ name, at, number: (turns += 1) });
    return turns;
  };

  function build(dials) {
    const focus = root.contains(document.activeElement) && document.activeElement.dataset.control;
    controls = {};
    before = {};
    const boxes = {};
    for (const dial of dials) {
      let box = boxes[dial.group];
      if (!box) {
        box = boxes[dial.group] = make("fieldset", dial.kind === "switch" ? "switches" : "");
        box.dataset.group = dial.group;
        box.append(make("legend", "", dial.group));
      }
      controls[dial.name] = control(dial, turn);
      box.append(...controls[dial.name].nodes);
    }
    groups.replaceChildren(...Object.values(boxes));
    if (focus) controls[focus]?.input.focus();
  }

  function update() {
    const state = model.get("state");
    const now = JSON.stringify(state.dials.map(({ name, kind, label }) => [name, kind, label]));
    const busy = (dial) => dial.busy(state.heard);
    if (now !== shape && !Object.values(controls).some(busy)) {
      build(state.dials);
      shape = now;
    }
    for (const dial of state.dials) {
      const seen = JSON.stringify([dial.at, dial.words, dial.steps, dial.ids, state.over]), mine = controls[dial.name];
      if (!mine || busy(mine) || before[dial.name] === seen) continue;
      before[dial.name] = mine.stand(dial, state.over) && seen;
    }
    if (said.textContent !== state.status) said.textContent = state.status;
    said.classList.toggle("wrong", state.wrong);
  }

  update();
  model.on("change:state", update);
  el.append(style, root);
  return () => model.off("change:state", update);
}

export default { render };
