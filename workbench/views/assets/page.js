// What a page does by itself: light or dark, which tab, pictures of charts, and passing on what its buttons say.
// It and the wire (wire.js) talk by events on the document.
(() => {
  const root = document.documentElement;
  const chosen = new URLSearchParams(location.search).get("theme") || localStorage.getItem("workbench theme");
  root.dataset.theme = chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

  const tell = (name, value) => document.dispatchEvent(new CustomEvent("workbench-tell", { detail: { name, value } }));

  function toggle() {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("workbench theme", root.dataset.theme);
    tell("theme", root.dataset.theme);
  }

  document.addEventListener("workbench-ready", () => { if (root.dataset.theme === "dark") tell("theme", "dark"); });
  document.addEventListener("workbench-state", ({ detail }) => {
    if (detail.address !== undefined && detail.address !== location.search) {
      history.replaceState(null, "", `${location.pathname}${detail.address}`);
    }
    for (const card of document.querySelectorAll("[data-tab]")) card.hidden = card.dataset.tab !== detail.tab;
    for (const tab of document.querySelectorAll(".tabs button")) tab.setAttribute("aria-pressed", String(tab.value === detail.tab));
    for (const entry of document.querySelectorAll(".entry")) {
      const [column, value] = entry.value.split("=");
      entry.setAttribute("aria-pressed", String(detail.only?.[column] === value));
    }
  });

  function canvases(root) { // those of figures are in shadow roots
    return [...root.querySelectorAll("*")].flatMap((node) => [
      ...(node.tagName === "CANVAS" ? [node] : []),
      ...(node.shadowRoot ? canvases(node.shadowRoot) : []),
    ]);
  }

  function png(card) {
    const from = card.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const canvas = document.createElement("canvas");
    canvas.width = from.width * ratio;
    canvas.height = from.height * ratio;
    const brush = canvas.getContext("2d");
    brush.scale(ratio, ratio);
    const style = getComputedStyle(card);
    brush.fillStyle = style.backgroundColor;
    brush.fillRect(0, 0, from.width, from.height);
    brush.fillStyle = style.color;
    brush.font = `600 14px ${style.fontFamily}`;
    const title = card.querySelector("h2").textContent;
    brush.fillText(title, 14, 24);
    for (const part of canvases(card)) {
      const at = part.getBoundingClientRect();
      if (part.width && part.height) brush.drawImage(part, at.left - from.left, at.top - from.top, at.width, at.height);
    }
    const link = document.createElement("a");
    link.href = canvas.toDataURL("image/png");
    link.download = `${title}.png`;
    link.click();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-toggle]")) toggle();
    const button = event.target.closest("[data-png]");
    if (button) png(button.closest(".card"));
  });
})();
