// The strip above the slider: how sure the mask is, which frames are painted, where to look next, what is filled.

const SNAP = 7, MARGIN = 8, SIGNS = 14;  // pixels; signs are above the handles of the part

export class Timeline {
  /** jump: called with a frame; chosen: called with the first frame of the part to fill and the one after its last. */
  constructor(canvas, slider, { jump, chosen }) {
    Object.assign(this, { canvas, slider, jump, chosen });
    slider.addEventListener("input", () => jump(Number(slider.value)));
    canvas.addEventListener("pointerdown", event => this.#down(event));
    canvas.addEventListener("pointermove", event => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => this.#up());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show a film: how many frames, what is painted, doubtful, a key frame, filled, or to be filled. */
  describe({ frames, painted, confidence, first, repaint, keys, range, part, stale }) {
    if (this.dragged) part = this.marks.part;
    this.marks = { frames, painted, confidence, first, repaint, keys, range, part, stale };
    this.slider.max = frames - 1;
    this.draw();
  }

  get #wide() {
    return this.canvas.clientWidth - 2 * MARGIN;
  }

  #x(frame) {
    const { frames } = this.marks;
    return MARGIN + this.#wide * (frames > 1 ? frame / (frames - 1) : 0.5);
  }

  #frame(x) {
    const { frames } = this.marks;
    return Math.max(0, Math.min(frames - 1, Math.round((x - MARGIN) / this.#wide * (frames - 1))));
  }

  draw() {
    const { canvas, marks } = this, ratio = devicePixelRatio || 1;
    if (!marks || !canvas.clientWidth) return;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const context = canvas.getContext("2d"), high = canvas.clientHeight;
    context.scale(ratio, ratio);
    context.fillStyle = "#2b3140";
    context.fillRect(MARGIN, high - 8, this.#wide, 4);
    const { frames } = marks, wide = Math.max(1, this.#wide / frames);
    marks.confidence.forEach((value, index) => {
      context.fillStyle = `hsl(${Math.round(1.3 * Math.max(0, value - 30) * 100 / 70)} ${marks.stale ? 15 : 65}% 48%)`;
      context.fillRect(this.#x(marks.first + index) - wide / 2 - 0.5, high - 8, wide * frames / Math.max(1, frames - 1) + 1, 4);
    });
    if (marks.range) {
      context.fillStyle = "#6ea8ff";
      const [first, count] = marks.range, from = this.#x(first) - wide / 2;
      context.fillRect(from, high - 3, Math.max(2, this.#x(first + count - 1) + wide / 2 - from), 3);
    }
    this.#drawPart(context, high);
    for (const frame of marks.keys) this.#sign(context, frame, "#a573ff", "square");
    for (const frame of marks.repaint) this.#sign(context, frame, "#ffb020", "triangle");
    for (const frame of marks.painted) this.#sign(context, frame, "#e62659", "circle");
  }

  /** Darken what is left out, and draw the handles of the part. */
  #drawPart(context, high) {
    const { part } = this.marks, from = this.#x(part[0]), to = this.#x(part[1] - 1);
    context.fillStyle = "#171a21d0";
    context.fillRect(0, high - 9, from, 9);
    context.fillRect(to, high - 9, this.canvas.clientWidth - to, 9);
    context.fillStyle = "#c8d0e0";
    for (const [x, side] of [[from, -1], [to, 1]]) {
      context.fillRect(x + side * 3 - 1.5, high - 10, 3, 10);
      context.fillRect(Math.min(x, x + side * 3), high - 10, 3, 2);
      context.fillRect(Math.min(x, x + side * 3), high - 2, 3, 2);
    }
  }

  #sign(context, frame, colour, shape) {
    const x = this.#x(frame), y = 7;
    context.fillStyle = colour;
    context.beginPath();
    if (shape === "circle") context.arc(x, y, 4.5, 0, 2 * Math.PI);
    else if (shape === "square") context.rect(x - 4, y - 4, 8, 8);
    else {
      context.moveTo(x, y - 5.5);
      context.lineTo(x + 5.5, y + 4.5);
      context.lineTo(x - 5.5, y + 4.5);
    }
    context.fill();
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #down(event) {
    const [x, y] = this.#at(event), { marks } = this;
    const ends = marks.part.map((frame, index) => [Math.abs(this.#x(frame - index) - x), index]);
    const [distance, index] = ends.sort((one, other) => one[0] - other[0])[0];
    if (y > SIGNS && distance <= SNAP) {
      this.dragged = { index, before: [...marks.part] };
      this.canvas.setPointerCapture(event.pointerId);
      return;
    }
    const near = [...marks.painted, ...marks.repaint, ...marks.keys]
      .map(frame => [Math.abs(this.#x(frame) - x), frame]).sort((one, other) => one[0] - other[0])[0];
    this.jump(near && near[0] <= SNAP ? near[1] : this.#frame(x));
  }

  #move(event) {
    const [x, y] = this.#at(event), { marks, dragged } = this;
    if (!marks) return;
    if (!dragged) {
      const isNear = marks.part.some((frame, index) => Math.abs(this.#x(frame - index) - x) <= SNAP);
      this.canvas.style.cursor = y > SIGNS && isNear ? "ew-resize" : "pointer";
      return;
    }
    const { index } = dragged, frame = this.#frame(x) + index;
    const part = [...marks.part];
    part[index] = index ? Math.max(part[0] + 1, frame) : Math.min(part[1] - 1, frame);
    marks.part = part;
    this.draw();
    this.jump(part[index] - index);
  }

  #up() {
    const { dragged, marks } = this;
    this.dragged = null;
    if (dragged && String(dragged.before) !== String(marks.part)) this.chosen(...marks.part);
  }
}
