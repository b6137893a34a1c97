// Painting with mouse, pen or finger: strokes, boxes and points, each of which can be undone.

import { COLOUR } from "./stage.js";

const MOST_UNDO = 60;

export class Painter {
  /**
   * stage: what is painted on.
   * done: called after a stroke with "mask" or "key", the frame, and a promise of its PNG.
   * marked: called with the prompt of a box or points.
   */
  constructor(stage, { done, marked, picked }) {
    Object.assign(this, { stage, done, marked, picked });
    this.tool = "brush";
    this.percent = 6;
    this.colour = "#808080";
    this.isPicking = false;
    this.strokes = [];
    this.points = { frame: -1, on: [], beside: [] };
    const root = stage.root;
    root.addEventListener("pointerdown", event => this.#down(event));
    root.addEventListener("pointermove", event => this.#move(event));
    root.addEventListener("pointerup", event => this.#up(event));
    root.addEventListener("pointercancel", event => this.#up(event));
    root.addEventListener("pointerleave", () => this.#clearMarks());
    root.addEventListener("contextmenu", event => event.preventDefault());
  }

  get isKey() {
    return this.stage.drawnKey;
  }

  get radius() {
    const { width, height } = this.stage.facts;
    return Math.max(1, this.percent / 200 * Math.min(width, height));
  }

  #down(event) {
    const { stage } = this;
    if (event.button === 1 || !stage.isSettled) return;
    if (stage.root.className === "wipe") {
      this.isWiping = true;
      stage.root.setPointerCapture(event.pointerId);
      return this.#move(event);
    }
    if (stage.root.className !== "before") return;
    event.preventDefault();
    stage.root.setPointerCapture(event.pointerId);
    const at = stage.at(event);
    if (this.isKey && this.isPicking) return this.#pick(at);
    if (!this.isKey && this.#isPointing) {
      this.pointed = { at, isBeside: this.tool === "beside" || event.button === 2 || event.altKey };
      return;
    }
    stage.isPainting = true;
    stage.edits += 1;
    this.from = this.last = at;
    if (!this.isKey && this.tool === "box") return;
    this.surface = this.isKey ? stage.picture2d : stage.object2d;
    const { width, height } = stage.facts;
    this.before = this.surface.getImageData(0, 0, width, height);
    this.reach = [...at, ...at];
    this.#line(at, at);
  }

  #move(event) {
    const { stage } = this;
    if (this.isWiping) {
      const box = stage.root.getBoundingClientRect();
      return stage.wipe((event.clientX - box.left) / box.width);
    }
    if (stage.root.className !== "before") return;
    const at = stage.at(event);
    if (stage.isPainting && this.before) {
      for (const one of event.getCoalescedEvents?.() ?? []) {
        const there = stage.at(one);
        this.#line(this.last, there);
        this.last = there;
      }
      this.#line(this.last, at);
    }
    this.last = at;
    this.#drawMarks(at);
  }

  #up(event) {
    const { stage } = this;
    this.isWiping = false;
    const { pointed } = this;
    this.pointed = null;
    if (pointed) return this.#point(pointed.at, pointed.isBeside);
    if (!stage.isPainting) return;
    stage.isPainting = false;
    stage.edits += 1;
    if (!this.before) return this.#box(stage.at(event));
    const { width, height } = stage.facts, r = this.radius + 2;
    const left = Math.max(0, Math.floor(this.reach[0] - r)), top = Math.max(0, Math.floor(this.reach[1] - r));
    const right = Math.min(width, Math.ceil(this.reach[2] + r)), bottom = Math.min(height, Math.ceil(this.reach[3] + r));
    if (right > left && bottom > top) {
      const patch = new OffscreenCanvas(right - left, bottom - top).getContext("2d");
      patch.putImageData(this.before, -left, -top);
      const pixels = patch.getImageData(0, 0, right - left, bottom - top);
      this.strokes.push({ frame: stage.frame, isKey: this.isKey, pixels, left, top });
      if (this.strokes.length > MOST_UNDO) this.strokes.shift();
      this.#tell();
    }
    this.before = null;
  }

  /** Forget the stroke that is being painted. */
  cancel() {
    const { stage } = this;
    this.pointed = null;
    if (stage.isPainting && this.before) this.surface.putImageData(this.before, 0, 0);
    stage.isPainting = this.isWiping = false;
    this.before = null;
    this.#clearMarks();
  }

  get #isPointing() {
    return this.tool === "point" || this.tool === "beside";
  }

  #tell() {
    const kind = this.isKey ? "key" : "mask";
    this.done(kind, this.stage.frame, this.isKey ? this.stage.coloured() : this.stage.painted());
  }

  #line([x, y], [toX, toY]) {
    const surface = this.surface;
    surface.save();
    surface.lineCap = surface.lineJoin = "round";
    surface.lineWidth = 2 * this.radius;
    surface.strokeStyle = this.isKey ? this.colour : COLOUR;
    surface.globalCompositeOperation = !this.isKey && this.tool === "eraser" ? "destination-out" : "source-over";
    surface.beginPath();
    surface.moveTo(x, y);
    surface.lineTo(toX + 0.01, toY);  // a point alone is drawn, too
    surface.stroke();
    surface.restore();
    const r = this.reach;
    this.reach = [Math.min(r[0], x, toX), Math.min(r[1], y, toY), Math.max(r[2], x, toX), Math.max(r[3], y, toY)];
  }

  #box([x, y]) {
    const [fromX, fromY] = this.from;
    const left = Math.round(Math.min(x, fromX)), top = Math.round(Math.min(y, fromY));
    const box = [left, top, Math.round(Math.max(x, fromX)) - left, Math.round(Math.max(y, fromY)) - top];
    this.#clearMarks();
    if (box[2] > 2 && box[3] > 2) this.marked({ frame: this.stage.frame, box });
  }

  #point(at, isBeside) {
    if (this.points.frame !== this.stage.frame) this.forgetPoints();
    const whole = at.map(Math.floor);
    (isBeside ? this.points.beside : this.points.on).push(whole);
    if (this.points.on.length) {
      const { frame, on, beside } = this.points;
      this.marked({ frame, points: on, not_points: beside });
    }
    this.#drawMarks(at);
  }

  forgetPoints() {
    this.points = { frame: this.stage.frame, on: [], beside: [] };
  }

  #pick([x, y]) {
    const [r, g, b] = this.stage.picture2d.getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
    this.colour = "#" + [r, g, b].map(value => value.toString(16).padStart(2, "0")).join("");
    this.isPicking = false;
    this.picked(this.colour);
  }

  /** Show the brush, the box that is being drawn, and the points of this frame. */
  #drawMarks([x, y]) {
    const { stage } = this, context = stage.marks2d;
    this.#clearMarks();
    const unit = stage.facts.width / stage.marks.getBoundingClientRect().width;
    context.lineWidth = 1.5 * unit;
    context.strokeStyle = "white";
    if (!this.isKey && this.tool === "box") {
      if (stage.isPainting) context.strokeRect(this.from[0], this.from[1], x - this.from[0], y - this.from[1]);
    } else if (this.isKey || !this.#isPointing) {
      context.beginPath();
      context.arc(x, y, this.radius, 0, 2 * Math.PI);
      context.stroke();
    }
    if (this.points.frame !== stage.frame || !this.#isPointing) return;
    for (const [points, colour] of [[this.points.on, "#35d07f"], [this.points.beside, "#ff5252"]])
      for (const [px, py] of points) {
        context.fillStyle = colour;
        context.beginPath();
        context.arc(px, py, 5 * unit, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      }
  }

  #clearMarks() {
    this.stage.marks2d?.clearRect(0, 0, this.stage.marks.width, this.stage.marks.height);
  }

  /** Take the last stroke back, on its frame. */
  async undo() {
    const stroke = this.strokes.pop();
    if (!stroke) return false;
    const { stage } = this;
    if (stage.frame !== stroke.frame) await stage.go(stroke.frame);
    if (this.isKey !== stroke.isKey) return false;
    stage.edits += 1;
    (stroke.isKey ? stage.picture2d : stage.object2d).putImageData(stroke.pixels, stroke.left, stroke.top);
    this.#tell();
    return true;
  }
}
