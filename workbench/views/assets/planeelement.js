
// The time plane as an element of a page: whoever sets `told` to the text of a scene has it drawn. What is above this in
// the same module draws it; STYLE is its style sheet, which stays within.
customElements.define("workbench-plane", class extends HTMLElement {
  #told = "";
  #heard = new Set();

  get told() { return this.#told; }

  set told(text) {
    this.#told = text;
    if (this.shadowRoot) this.#heard.forEach((draw) => draw());
    else this.#begin();
  }

  on(_, draw) { this.#heard.add(draw); }

  off(_, draw) { this.#heard.delete(draw); }

  #begin() {
    const root = this.attachShadow({ mode: "open" });
    root.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
    render({ model: this, el: root });
  }
});
