// The picture of one frame, what is painted over it, and what it is compared with.

const OBJECT = [230, 38, 89], ADDED = [64, 156, 255], RIM = [255, 176, 32], UNSEEN = [150, 90, 255];
const OBJECT_LEVEL = 200, ADDED_LEVEL = 140;  // between the grey levels of the server's masks
const MOST_ZOOM = 8;

/** Shows frames at source resolution; painting happens in `Painter`, on its canvases. */
export class Stage {
  constructor(viewport) {
    this.viewport = viewport;
    this.root = viewport.querySelector("#stage");
    for (const name of ["picture", "rim", "object", "after", "marks"]) {
      this[name] = viewport.querySelector(`#${name}`);
      this[`${name}2d`] = this[name].getContext("2d", { willReadFrequently: name === "object" });
    }
    this.divider = viewport.querySelector("#divider");
    this.look = "before";
    this.zoom = 1;
    this.share = 0.5;
    this.frame = this.wanted = 0;
    this.isPainting = false;
    this.edits = 0;
    this.shown = () => {};
    this.isUnsaved = () => false;
    this.failed = () => {};
    new ResizeObserver(() => this.fit()).observe(viewport);
  }

  /** Begin with a film. */
  open(film, facts) {
    this.film = film;
    this.facts = facts;
    this.frame = -1;  // nothing is painted before the first frame is shown
    for (const name of ["picture", "rim", "object", "after", "marks"]) {
      this[name].width = facts.width;
      this[name].height = facts.height;
    }
    this.fit();
  }

  /** Say what is to be shown: versions of the mask and of results, and the key frame that is painted. */
  describe({ mask, result, resultVersion, covers, key, keyVersion }) {
    this.now = { mask, result, resultVersion, covers, key, keyVersion };
  }

  /** Show a frame; of many wishes that come while one is loading, only the last is fulfilled. */
  async go(frame) {
    this.wanted = Math.max(0, Math.min(this.facts.frames - 1, frame));
    this.again = true;
    if (this.loading) return this.loading;
    this.loading = (async () => {
      try {
        while (this.again) {
          this.again = false;
          await this.#show(this.wanted);
        }
      } finally {
        this.loading = null;
      }
    })();
    return this.loading;
  }

  async #show(frame) {
    const { mask, result, resultVersion, covers, key, keyVersion } = this.now;
    const isKey = key === frame, { edits } = this;
    try {
      const [picture, layer, after] = await Promise.all([
        isKey ? this.film.picture("key", frame, keyVersion) : this.film.picture("before", frame, 0),
        isKey ? this.film.picture("unseen", frame, keyVersion)
          : mask(frame) ? this.film.picture("mask", frame, mask(frame)) : null,
        result && covers(frame) && this.look !== "before"
          ? this.film.picture(result, frame, resultVersion) : null,
      ]);
      // soon asked for again; what came may be a mask from before a stroke that was taken back
      if (this.isPainting || (this.again && this.wanted === frame)) return;
      const isNew = this.frame !== frame || this.drawnKey !== isKey;
      if (isNew || !isKey) this.picture2d.drawImage(picture, 0, 0);
      // what was painted meanwhile, or is on its way to the server, is newer than the mask that came
      if (isNew || (this.edits === edits && !this.isUnsaved())) this.#drawMask(layer, isKey);
      this.hasAfter = after !== null;
      if (after) this.after2d.drawImage(after, 0, 0);
      for (const bitmap of [picture, layer, after]) bitmap?.close();
      this.frame = frame;
      this.drawnKey = isKey;
      this.arrange();
      this.shown(frame);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Draw a grey mask as colours: the object, what was added and the rim around both, or what no frame shows. */
  #drawMask(layer, isKey) {
    const { width, height } = this.object;
    this.object2d.clearRect(0, 0, width, height);
    this.rim2d.clearRect(0, 0, width, height);
    if (!layer) return;
    const scratch = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    scratch.drawImage(layer, 0, 0);
    const levels = scratch.getImageData(0, 0, width, height);
    const object = new ImageData(width, height), rim = new ImageData(width, height);
    for (let at = 0; at < levels.data.length; at += 4) {
      const level = levels.data[at];
      if (!level) continue;
      const into = level > OBJECT_LEVEL && !isKey ? object : rim;  // only the object is painted on
      const beside = level > ADDED_LEVEL ? ADDED : RIM;
      into.data.set(isKey ? UNSEEN : into === object ? OBJECT : beside, at);
      into.data[at + 3] = 255;
    }
    this.object2d.putImageData(object, 0, 0);
    this.rim2d.putImageData(rim, 0, 0);
  }

  /** Return what is painted as a PNG in black and white. */
  async painted() {
    const { width, height } = this.object;
    const pixels = this.object2d.getImageData(0, 0, width, height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      const value = pixels.data[at + 3] > 127 ? 255 : 0;
      pixels.data.fill(value, at, at + 3);
      pixels.data[at + 3] = 255;
    }
    const scratch = new OffscreenCanvas(width, height);
    scratch.getContext("2d").putImageData(pixels, 0, 0);
    return scratch.convertToBlob({ type: "image/png" });
  }

  /** Return the picture as a PNG, for a key frame that was painted. */
  async coloured() {
    return new Promise(done => this.picture.toBlob(done, "image/png"));
  }

  /** Choose before, wipe, side or after. */
  compare(look) {
    this.look = look;
    return this.go(this.wanted);
  }

  /** Tell whether what is to be shown is shown: only then may it be painted on. */
  get isSettled() {
    return this.wanted === this.frame && this.drawnKey === (this.now.key === this.frame);
  }

  arrange() {
    this.root.dataset.key = this.drawnKey;
    const look = this.hasAfter ? this.look : "before";
    this.root.className = look;
    const showsMask = look === "before";
    for (const one of [this.object, this.rim]) one.hidden = !showsMask;
    this.after.hidden = look === "before";
    this.divider.hidden = look !== "wipe";
    this.after.style.clipPath = look === "wipe" ? `inset(0 0 0 ${100 * this.share}%)` : "none";
    this.divider.style.left = `${100 * this.share}%`;
    this.fit();
  }

  /** Move the line of a wipe to a share of the width. */
  wipe(share) {
    this.share = Math.max(0, Math.min(1, share));
    this.arrange();
  }

  fit() {
    if (!this.facts) return;
    const { width, height, aspect } = this.facts;
    const isSide = this.root.classList.contains("side");
    const wide = width * aspect * (isSide ? 2 : 1);
    const scale = Math.min(this.viewport.clientWidth / wide, this.viewport.clientHeight / height);
    this.root.style.width = `${Math.floor(wide * scale * this.zoom)}px`;
    this.root.style.height = `${Math.floor(height * scale * this.zoom)}px`;
  }

  /** Enlarge by a factor; a point of the window stays where it is, the middle of the picture if none is given. */
  enlarge(factor, point) {
    const view = this.viewport.getBoundingClientRect(), before = this.root.getBoundingClientRect();
    const [x, y] = point ?? [view.left + view.width / 2, view.top + view.height / 2];
    const share = [(x - before.left) / before.width, (y - before.top) / before.height];
    this.zoom = Math.max(1, Math.min(MOST_ZOOM, this.zoom * factor));
    this.fit();
    const after = this.root.getBoundingClientRect();
    this.viewport.scrollBy(after.left + share[0] * after.width - x, after.top + share[1] * after.height - y);
  }

  /** Return where a pointer is, in pixels of the source. */
  at(event) {
    const box = this.picture.getBoundingClientRect();
    return [
      (event.clientX - box.left) / box.width * this.facts.width,
      (event.clientY - box.top) / box.height * this.facts.height,
    ];
  }
}

export const COLOUR = `rgb(${OBJECT})`;
