// Two fingers move and enlarge the picture, as does the wheel with Ctrl; one finger paints.

export class Gestures {
  constructor(stage, painter) {
    Object.assign(this, { stage, painter });
    this.fingers = new Map();
    this.last = null;
    const { viewport } = stage, early = { capture: true };  // before the painter
    viewport.addEventListener("pointerdown", event => this.#down(event), early);
    viewport.addEventListener("pointermove", event => this.#move(event), early);
    for (const kind of ["pointerup", "pointercancel"])
      viewport.addEventListener(kind, event => this.#up(event), early);
    viewport.addEventListener("wheel", event => this.#wheel(event), { passive: false });
  }

  #down(event) {
    if (event.pointerType !== "touch") return;
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.fingers.size < 2) return;
    event.stopPropagation();
    this.painter.cancel();
    this.last = this.#span();
  }

  #move(event) {
    if (!this.fingers.has(event.pointerId)) return;
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (!this.last) return;
    event.stopPropagation();
    if (this.fingers.size < 2) return;
    const { last } = this, now = this.#span();
    this.stage.viewport.scrollBy(last.middle[0] - now.middle[0], last.middle[1] - now.middle[1]);
    this.stage.enlarge(now.length / last.length, now.middle);
    this.last = now;
  }

  #up(event) {
    if (!this.fingers.delete(event.pointerId) || !this.last) return;
    event.stopPropagation();
    if (!this.fingers.size) this.last = null;  // a finger that is left does not paint
  }

  #span() {
    const [[x, y], [toX, toY]] = this.fingers.values();
    return { middle: [(x + toX) / 2, (y + toY) / 2], length: Math.max(1, Math.hypot(toX - x, toY - y)) };
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.stage.enlarge(Math.exp(-event.deltaY / 300), [event.clientX, event.clientY]);
  }
}
