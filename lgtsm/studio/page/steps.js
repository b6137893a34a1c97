// The panel of steps: what was done, what comes next, how far work is.

import { partOf } from "./part.js";
import { duration, stage as stageText, t } from "./texts.js";

const byId = id => document.getElementById(id);
const LEAST = 5e-5;  // share of the picture that is worth a word
const SIZES = ["B", "kB", "MB", "GB"];

function size(bytes) {
  const power = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toPrecision(3)} ${SIZES[power]}`;
}

function chip(text, title, pressed, removed) {
  const whole = document.createElement("span"), button = document.createElement("button");
  whole.className = "chip";
  button.textContent = text;
  button.title = title;
  button.addEventListener("click", pressed);
  whole.append(button);
  if (removed) {
    const cross = document.createElement("button");
    cross.textContent = "×";
    cross.title = t("forget");
    cross.addEventListener("click", removed);
    whole.append(cross);
  }
  return whole;
}

/** Return the step that comes next: mark, track, remove or compare. */
export function nextStep(state) {
  const isPainted = Object.keys(state.painted).length > 0;
  if (state.found && !state.found.stale) return state.results.whole ? "compare" : "remove";
  if (isPainted) return "track";
  return "mark";
}

/** Fill the panel from the state; actions has go, unpaint, look, key and shown (which result). */
export function showSteps(state, film, shown, actions) {
  const { found, results } = state, painted = Object.keys(state.painted).map(Number);
  const at = shown && results[shown];
  byId("painted").replaceChildren(...painted.map(frame => chip(
    t("frame", { frame }), t("go_there"), () => actions.go(frame), () => actions.unpaint(frame))));
  for (const name of ["mark", "track", "remove", "compare"])
    byId(`step-${name}`).classList.toggle("next", nextStep(state) === name);
  showTrack(state, painted, actions);
  showAdded(state);
  for (const button of document.querySelectorAll("[data-do]")) {
    const needsMask = !["static", "text"].includes(button.dataset.do);
    const isTracked = button.dataset.do === "track" && (painted.length === 0 || (found && !found.stale));
    button.disabled = isAtWork(state) || isTracked || (needsMask && state.problem !== "");
    button.classList.toggle("main", button.dataset.do === nextStep(state));
  }
  byId("mask-file").disabled = isAtWork(state);
  byId("resumable").hidden = !state.resumable || isAtWork(state);
  byId("step-compare").hidden = !at;
  if (at) showResult(at, state, film, shown, actions);
  showOutputs(state, film);
}

export const isAtWork = state => Boolean(state?.task) && ["waiting", "running"].includes(state.task.state);

/** Return the frames to look at, of those that are filled. */
export function doubtful(state) {
  const { found } = state, [start, end] = partOf(state);
  return found && !found.stale ? found.repaint.filter(frame => frame >= start && frame < end) : [];
}

function showTrack(state, painted, actions) {
  const { found } = state, said = byId("track-said"), frames = doubtful(state);
  if (!found) said.textContent = t(painted.length ? "track_help" : "track_first");
  else if (found.kind !== "track") said.textContent = t(`mask_${found.kind}`);
  else if (found.stale) said.textContent = t("track_stale");
  else {
    const sure = Math.round(found.confidence.reduce((sum, one) => sum + one, 0) / found.confidence.length);
    said.textContent = t(frames.length ? "track_doubtful" : "track_sure", { sure });
  }
  byId("doubtful").replaceChildren(...frames.map(frame => chip(
    t("frame", { frame }), t("doubtful_help"), () => actions.go(frame))));
  if (found?.notes.length) said.title = found.notes.join("\n");
}

/** Show what is added to the mask of an object, and how much. */
function showAdded(state) {
  const { found, added, complete } = state;
  byId("adding").hidden = !["track", "file"].includes(found?.kind);
  for (const button of document.querySelectorAll("[data-add]")) {
    const isChosen = complete.includes(button.dataset.add);
    button.classList.toggle("chosen", isChosen);
    button.ariaPressed = String(isChosen);
    button.disabled = isAtWork(state);
  }
  const parts = complete.filter(kind => added?.[kind] >= LEAST)
    .map(kind => `${t(`add_${kind}`)} ${(100 * added[kind]).toFixed(2)} %`);
  byId("added-said").textContent = !complete.length ? t("add_first") : !added ? t("add_later")
    : parts.length ? t("added", { parts: parts.join(", ") }) : t("added_nothing");
}

function showResult(at, state, film, shown, actions) {
  const kinds = ["preview", "whole"].filter(kind => state.results[kind]);
  byId("shown").replaceChildren(...(kinds.length > 1 ? kinds.map(kind => {
    const one = chip(t(`show_${kind}`), "", () => actions.shown(kind));
    one.classList.toggle("chosen", kind === shown);
    return one;
  }) : []));
  const verdict = byId("verdict");
  verdict.textContent = shown === "preview"
    ? t("preview_said", { first: at.start, last: at.start + at.count - 1 })
    : at.verdict ? `${t(at.passed ? "passed" : "failed")} ${at.verdict}` : t("not_checked");
  verdict.className = at.verdict ? (at.passed ? "passed" : "failed") : "";
  byId("notes").replaceChildren(...at.notes.map(note => {
    const line = document.createElement("li");
    line.textContent = note;
    return line;
  }));
  byId("unseen").textContent = at.unseen >= 0.001
    ? t("unseen", { share: (100 * at.unseen).toFixed(1) }) : t("all_seen");
  byId("keys").replaceChildren(...state.keys.numbers.map(frame => chip(
    t(state.keys.painted.includes(frame) ? "key_painted" : "key", { frame }), t("key_help"),
    () => actions.key(frame))));
}

function showOutputs(state, film) {
  const { whole } = state.results, outputs = whole?.outputs ?? {};
  const links = Object.entries(outputs).map(([name, output]) => {
    const line = document.createElement("p");
    if (output.is_file) {
      const link = document.createElement("a");
      link.href = film.result(name);
      link.download = output.name;
      const isNext = name === "target" && nextStep(state) === "compare" && !isAtWork(state);
      link.className = name === "target" ? `button wide${isNext ? " main" : ""}` : "";
      link.textContent = `↓ ${t(`save_${name}`)} (${size(output.bytes)})`;
      line.append(link);
    } else line.append(`${t("save_folder")}:`);
    const path = document.createElement("small");
    path.textContent = output.path;
    line.append(path);
    return line;
  });
  const project = document.createElement("p"), link = document.createElement("a"), path = document.createElement("small");
  link.href = film.result("project");
  link.textContent = t("save_project");
  path.textContent = state.project;
  project.append(link, path);
  byId("project").replaceChildren(project);
  byId("outputs").replaceChildren(...links);
  byId("saved-said").textContent = t(links.length ? "save_done" : "save_later");
  const video = byId("comparison");
  video.hidden = !outputs.compare?.is_file;
  const address = `${film.result("compare")}?show=1&v=${whole?.version}`;
  if (!video.hidden && video.getAttribute("src") !== address) video.src = address;
  byId("command").textContent = state.command || t("command_later");
}

/** Show how far work is. */
export function showTask(task) {
  const box = byId("task");
  box.hidden = !task || !["waiting", "running"].includes(task.state);
  if (box.hidden) return;
  const isWaiting = task.state === "waiting";
  byId("task-stage").textContent = isWaiting
    ? t("place", { number: task.place }) : `${t(`doing_${task.kind}`)} ${stageText(task.stage)}`;
  const bar = byId("task-bar");
  if (isWaiting || !task.total) bar.removeAttribute("value");
  else bar.value = task.done / task.total;
  byId("task-left").textContent = task.seconds_left === null ? ""
    : t("left", { time: duration(task.seconds_left) });
}
