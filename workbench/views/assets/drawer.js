// Shows the rows of a table below the page, with a filter, and downloads files. All that comes is set as text.

function save(name, kind, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const quoted = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function render({ model, el }) {
  const heading = element("h2");
  const note = element("span", { className: "muted" });
  const seek = element("input", { type: "search", placeholder: "Filter rows", ariaLabel: "Filter rows" });
  const csv = element("button", { type: "button", textContent: "CSV" });
  const close = element("button", { type: "button", textContent: "Close" });
  const head = element("thead"), body = element("tbody");
  const scroller = element("div", { className: "rows", tabIndex: 0, ariaLabel: "Rows" }, element("table", { className: "panes" }, head, body));
  scroller.setAttribute("role", "region");
  const box = element("section", { className: "sheet", hidden: true }, element("header", {}, heading, note, seek, csv, close), scroller);
  box.setAttribute("role", "dialog");
  let shown = [], commands = 0, before = null, last = model.file?.number;

  function fill() {
    const { columns = [], numbers = [], rows = [] } = model.table || {};
    const wanted = seek.value.trim().toLowerCase();
    shown = wanted ? rows.filter((row) => row.some((cell) => cell.toLowerCase().includes(wanted))) : rows;
    head.replaceChildren(element("tr", {}, ...columns.map((name, i) => element("th", { scope: "col", textContent: name, className: numbers[i] ? "" : "left" }))));
    body.replaceChildren(...shown.map((row) => element("tr", {}, ...row.map((cell, i) => element("td", { textContent: cell, className: numbers[i] ? "" : "left" })))));
    note.textContent = `${shown.length.toLocaleString("en")} rows${model.table.note ? ` · ${model.table.note}` : ""}`;
  }

  function show() {
    const open = Boolean(model.table?.columns);
    if (open && box.hidden) before = document.activeElement;
    if (open && heading.textContent !== model.table.title) seek.value = "";
    box.hidden = !open;
    document.documentElement.classList.toggle("has-drawer", open);
    if (!open) { before?.focus?.(); return; }
    heading.textContent = model.table.title;
    box.setAttribute("aria-label", model.table.title);
    fill();
    if (!box.contains(box.getRootNode().activeElement)) close.focus();
  }

  function tell(name) { commands += 1; model.command = { name, value: "", number: commands }; }
  close.addEventListener("click", () => tell("close"));
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("close"); });
  seek.addEventListener("input", fill);
  csv.addEventListener("click", () => {
    const lines = [model.table.columns, ...shown].map((row) => row.map(quoted).join(","));
    save(`${model.table.title}.csv`, "text/csv", `${lines.join("\n")}\n`);
  });
  model.on("table", show);
  model.on("file", () => {
    const { name, kind, text, number } = model.file;
    if (number === last) return;
    last = number;
    save(name, kind, text);
  });
  show();
  el.append(box);
}
