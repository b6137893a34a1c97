// The strip above the slider: how sure the mask is, which frames are painted, where to look next.

const SNAP = 7;

export class Timeline {
  constructor(canvas, slider, jump) {
    Object.assign(this, { canvas, slider, jump });
    slider.addEventListener("input", () => jump(Number(slider.value)));
    canvas.addEventListener("pointerdown", event => this.#click(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show a film: how many frames, what is painted, doubtful, a key frame, or filled. */
  describe({ frames, painted, confidence, repaint, keys, range, stale }) {
    this.marks = { frames, painted, confidence, repaint, keys, range, stale };
    this.slider.max = frames - 1;
    this.draw();
  }

  #x(frame) {
    const { frames } = this.marks;
    return 8 + (this.canvas.clientWidth - 16) * (frames > 1 ? frame / (frames - 1) : 0.5);
  }

  draw() {
    const { canvas, marks } = this, ratio = devicePixelRatio || 1;
    if (!marks || !canvas.clientWidth) return;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const context = canvas.getContext("2d"), high = canvas.clientHeight;
    context.scale(ratio, ratio);
    context.fillStyle = "#2b3140";
    context.fillRect(8, high - 8, canvas.clientWidth - 16, 4);
    const wide = Math.max(1, (canvas.clientWidth - 16) / marks.frames);
    const { frames } = marks;
    marks.confidence.forEach((value, frame) => {
      context.fillStyle = `hsl(${Math.round(1.3 * Math.max(0, value - 30) * 100 / 70)} ${marks.stale ? 15 : 65}% 48%)`;
      context.fillRect(this.#x(frame) - wide / 2 - 0.5, high - 8, wide * frames / Math.max(1, frames - 1) + 1, 4);
    });
    if (marks.range) {
      context.fillStyle = "#6ea8ff";
      const [first, count] = marks.range, from = this.#x(first) - wide / 2;
      context.fillRect(from, high - 3, Math.max(2, this.#x(first + count - 1) + wide / 2 - from), 3);
    }
    for (const frame of marks.keys) this.#sign(context, frame, "#a573ff", "square");
    for (const frame of marks.repaint) this.#sign(context, frame, "#ffb020", "triangle");
    for (const frame of marks.painted) this.#sign(context, frame, "#e62659", "circle");
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

  #click(event) {
    const x = event.clientX - this.canvas.getBoundingClientRect().left, { marks } = this;
    const near = [...marks.painted, ...marks.repaint, ...marks.keys]
      .map(frame => [Math.abs(this.#x(frame) - x), frame]).sort((one, other) => one[0] - other[0])[0];
    const share = (x - 8) / (this.canvas.clientWidth - 16);
    this.jump(near && near[0] <= SNAP ? near[1] : Math.round(share * (marks.frames - 1)));
  }
}
