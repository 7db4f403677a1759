// Puts widgets into the outputs that name them, in place of a static picture; the notebook itself keeps that. An
// output that is drawn anew gets its widget back as it is; one that is gone for a while lets go of it.

const GONE = 2000; // ms

export default {
  initialize({ model }) {
    const manager = model.widget_manager;
    const held = new Map(); // the slots, and what is in each

    async function fill(slot) {
      const place = { name: slot.dataset.widget, host: document.createElement("div"), view: null, focus: null };
      held.set(slot, place);
      place.host.addEventListener("focusin", (event) => { place.focus = event.target; });
      place.host.addEventListener("focusout", () => setTimeout(() => { // unless it was taken off the page with all it holds
        if (place.host.isConnected && !place.host.contains(document.activeElement)) place.focus = null;
      }));
      try {
        place.view = await manager.create_view(await manager.get_model(place.name));
        place.host.append(place.view.el);
      } catch {
        return; // closed, or of a kernel that is no more: the picture stays
      }
      const now = [...held].find(([, other]) => other === place)?.[0]; // it may have been drawn anew meanwhile
      if (now) put(now, place);
    }

    function put(slot, place) {
      if (!place.view) return;
      const focus = place.focus; // whoever holds a run by its keys goes on doing so
      slot.replaceChildren(place.host);
      if (focus && place.host.contains(focus)) focus.focus({ preventScroll: true });
    }

    function release(slot, place) {
      if (held.get(slot) !== place) return;
      place.leaving = false;
      if (slot.isConnected) return;
      held.delete(slot);
      place.view?.remove();
    }

    function sweep() {
      for (const slot of document.querySelectorAll(`.wb-slot[data-stage="${model.get("name")}"]`)) {
        if (held.has(slot)) continue;
        const left = ([other, { name }]) => !other.isConnected && name === slot.dataset.widget;
        const [old, place] = [...held].find(left) ?? [];
        if (!old) fill(slot);
        else {
          held.delete(old);
          held.set(slot, place);
          put(slot, place);
        }
      }
      for (const [slot, place] of held) {
        if (slot.isConnected || place.leaving) continue;
        place.leaving = true;
        setTimeout(() => release(slot, place), GONE);
      }
    }

    const watch = new MutationObserver(sweep);
    watch.observe(document.body, { childList: true, subtree: true });
    sweep();
    return () => {
      watch.disconnect();
      for (const { view } of held.values()) view?.remove();
    };
  },
};
