// The part of the film that is filled: chosen at a frame, or by the handles of the time line.

import { t } from "./texts.js";

const byId = id => document.getElementById(id);

/** Return the first frame that is filled, and the one after the last. */
export function partOf({ options, film: { frames } }) {
  return [options.start ?? 0, Math.min(options.end ?? frames, frames)];
}

/** Return the options for a part. */
export function partOptions(start, end, frames) {
  return { start, end: end < frames ? end : null };
}

/** Let buttons choose a part: chosen(start, end) is told; state() and frame() say what there is. */
export function connectPart({ state, frame, chosen }) {
  byId("part-start").addEventListener("click", () => chosen(frame(), Math.max(partOf(state())[1], frame() + 1)));
  byId("part-end").addEventListener("click", () => chosen(Math.min(partOf(state())[0], frame()), frame() + 1));
  byId("part-all").addEventListener("click", () => chosen(0, state().film.frames));
}

/** Say which part is filled. */
export function showPart(state) {
  const [start, end] = partOf(state), { frames, rate } = state.film, isAll = start === 0 && end === frames;
  byId("part-all").hidden = isAll;
  byId("part-said").textContent = isAll ? t("part_whole")
    : t("part_some", { first: start, last: end - 1, time: ((end - start) / rate).toFixed(1) });
}
