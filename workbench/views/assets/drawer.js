// Shows the rows of a table below the page, with a filter, and downloads files. All that comes is set as text.
(() => {
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

function drawer(place) {
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
  let shown = [], before = null, table = {}, last = 0;

  function fill() {
    const { columns = [], numbers = [], rows = [] } = table;
    const wanted = seek.value.trim().toLowerCase();
    shown = wanted ? rows.filter((row) => row.some((cell) => cell.toLowerCase().includes(wanted))) : rows;
    head.replaceChildren(element("tr", {}, ...columns.map((name, i) => element("th", { scope: "col", textContent: name, className: numbers[i] ? "" : "left" }))));
    body.replaceChildren(...shown.map((row) => element("tr", {}, ...row.map((cell, i) => element("td", { textContent: cell, className: numbers[i] ? "" : "left" })))));
    note.textContent = `${shown.length.toLocaleString("en")} rows${table.note ? ` · ${table.note}` : ""}`;
  }

  function show() {
    const open = Boolean(table.columns);
    if (open && box.hidden) before = document.activeElement;
    if (open && heading.textContent !== table.title) seek.value = "";
    box.hidden = !open;
    document.documentElement.classList.toggle("has-drawer", open);
    if (!open) {
      before?.focus?.();
      before = null;
      return;
    }
    heading.textContent = table.title;
    box.setAttribute("aria-label", table.title);
    fill();
    if (!box.contains(box.getRootNode().activeElement)) close.focus();
  }

  const tell = (name) => document.dispatchEvent(new CustomEvent("workbench-tell", { detail: { name } }));
  close.addEventListener("click", () => tell("close"));
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("close"); });
  seek.addEventListener("input", fill);
  csv.addEventListener("click", () => {
    const lines = [table.columns, ...shown].map((row) => row.map(quoted).join(","));
    save(`${table.title}.csv`, "text/csv", `${lines.join("\n")}\n`);
  });
  document.addEventListener("workbench-drawer", ({ detail }) => {
    table = detail.table;
    show();
    const { name, kind, text, number } = detail.file;
    if (number === undefined || number === last) return; // it comes again with whatever else is shown
    last = number;
    save(name, kind, text);
  });
  place.append(box);
}

document.addEventListener(
  "DOMContentLoaded",
  () => document.querySelectorAll('[data-part="drawer"]').forEach(drawer),
  { once: true },
);
})();
