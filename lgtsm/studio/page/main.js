// The page: its state, its buttons and keys. What a film is and what was done is known to the server alone.

import * as requests from "./requests.js";
import { Gestures } from "./gestures.js";
import { connectKeys } from "./keys.js";
import { Options } from "./options.js";
import { Painter } from "./painter.js";
import { connectPart, partOf, partOptions, showPart } from "./part.js";
import { Stage } from "./stage.js";
import { Start } from "./start.js";
import { doubtful, isAtWork, nextStep, showSteps, showTask } from "./steps.js";
import { speak, t, usual } from "./texts.js";
import { Timeline } from "./timeline.js";

const byId = id => document.getElementById(id);
const BUSY_MS = 400, IDLE_MS = 3000;

let film = null, state = null, facts = null, options = null;
let isOffline = false;
let ended = 0;  // number of the last task whose end was shown
let cleared = new Set();  // frames whose mask is to be forgotten, until all is tracked again
let shown = null, next = null, key = null, playing = false, saving = Promise.resolve(), unsaved = 0, saves = 0;

const stage = new Stage(byId("viewport"));
const painter = new Painter(stage, {
  done: (kind, frame, png) => save(async () => (kind === "key" ? film.paintKey : film.paint)(frame, await png)),
  marked: prompt => { load(t("looking")); save(() => film.mark(prompt)).then(() => load("")); },
  picked: colour => { byId("colour").value = colour; showTools(); },
});
const timeline = new Timeline(byId("timeline"), byId("frame"), {
  jump: frame => { leaveKey(frame); stage.go(frame); }, chosen: choosePart });
new Gestures(stage, painter);
const start = new Start(opened, tell);

/** Say what went wrong, until it is closed or something else is done. */
function tell(error) {
  byId("told").hidden = false;
  isOffline = error.message === "offline";
  byId("told").firstElementChild.textContent = error.message === "offline" ? t("offline") : error.message;
}

/** Do something; tell what went wrong, and open the film again where the server was started anew. */
async function attempt(action) {
  byId("told").hidden = true;
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof requests.UnknownFilm)) return tell(error);
    await attempt(reopen);
  }
}

/** Save one thing after another, so that the last stroke is what stays. */
function save(action) {
  unsaved += 1;
  saves += 1;
  saving = saving.then(() => attempt(action)).then(found => {
    unsaved -= 1;
    if (found) accept(found);
  });
  return saving;
}

async function reopen() {
  const path = sessionStorage.getItem("lgtsm-path");
  await opened((await requests.open(path)).identity);
  tell(new Error(t("reopened")));
}

async function opened(identity) {
  film = new requests.Film(identity);
  state = await film.state();
  sessionStorage.setItem("lgtsm-film", identity);
  sessionStorage.setItem("lgtsm-path", state.film.path);
  byId("told").hidden = true;
  byId("start").hidden = true;
  byId("work").hidden = false;
  byId("another").hidden = false;
  shown = state.results.whole ? "whole" : state.results.preview ? "preview" : null;
  key = null;
  ended = state.task && !isAtWork(state) ? state.task.number : 0;
  stage.look = "before";
  painter.strokes = [];
  cleared = new Set();
  stage.open(film, state.film);
  next = nextStep(state);
  for (const id of ["work", "steps"]) byId(id).scrollTop = 0;
  accept(state);
  const first = Number(Object.keys(state.painted)[0] ?? 0);
  await stage.go(first);
}

/** Take what the server says, and show it. */
function accept(found) {
  const before = state;
  state = found;
  const { task } = state, isOver = task && !isAtWork(state) && task.number !== ended;
  if (isOver) {
    ended = task.number;
    finished();
  }
  const { film: about, results } = state, masked = state.found, at = shown && results[shown];
  stage.describe({
    mask: frame => frame in state.painted || (masked && !cleared.has(frame))
      ? `${state.painted[frame] ?? ""}.${state.changes}` : null,
    result: at ? shown : null,
    resultVersion: at?.version,
    covers: frame => at && frame >= at.start && frame < at.start + at.count,
    key,
    keyVersion: state.changes,
  });
  if (!unsaved && (before.changes !== state.changes || isOver)) stage.go(stage.wanted);
  byId("film-name").textContent = about.name;
  byId("film-facts").textContent = t("facts", {
    width: about.width, height: about.height, frames: about.frames, rate: +about.rate.toFixed(3),
    time: (about.frames / about.rate).toFixed(1), depth: about.depth,
    sound: t(about.sound ? "with_sound" : "silent"),
  });
  timeline.describe({
    frames: about.frames,
    painted: Object.keys(state.painted).map(Number),
    confidence: masked?.confidence ?? [],
    first: masked?.first ?? 0,
    repaint: doubtful(state),
    stale: masked?.stale,
    keys: state.keys.numbers,
    range: at && [at.start, at.count],
    part: partOf(state),
  });
  options?.show(state.options, state.wanted);
  showPart(state);
  showTask(state.task);
  showSteps(state, film, shown, {
    go: frame => { leaveKey(frame); look("before"); stage.go(frame); },
    unpaint: clear,
    key: frame => { key = frame; look("before"); accept(state); stage.go(frame); },
    shown: kind => { shown = kind; accept(state); stage.go(stage.wanted); },
  });
  showTools();
  const step = isOver && shown && ["preview", "remove"].includes(task.kind) ? "compare" : nextStep(state);
  if (step === next && !isOver) return;
  next = step;
  // on a phone the panel is below the picture, which stays in view: what comes next is a button at the bottom
  const isBelow = matchMedia("(max-width: 820px)").matches;
  if (isOver || !isBelow) byId(isBelow ? "left" : `step-${next}`).scrollIntoView({ block: "nearest" });
}

/** Show what ended work has brought, or why it failed. */
function finished() {
  const { task, results, keys } = state;
  cleared = new Set();
  if (task.state === "failed") return tell(new Error(task.error));
  if (task.state !== "done") return;
  if (task.kind === "preview" || task.kind === "remove") {
    shown = task.kind === "preview" ? "preview" : "whole";
    const at = results[shown];
    if (stage.wanted < at.start || stage.wanted >= at.start + at.count) stage.wanted = at.start;
    look("wipe");
  } else if (task.kind === "keys" && keys.numbers.length) {
    key = keys.numbers[0];
    stage.wanted = key;
    look("before");
  } else if (task.kind === "track" && doubtful(state).length) stage.wanted = doubtful(state)[0];
}

function choosePart(start, end) {
  return save(() => film.choose(partOptions(start, end, state.film.frames)));
}

/** Say over the picture what is being waited for. */
function load(text) {
  byId("loading").hidden = !text;
  byId("loading").textContent = text;
}

function look(name) {
  stage.look = name;
  showTools();
}

function leaveKey(frame) {
  if (key === null || key === frame) return;
  key = null;
  accept(state);
}

function showTools() {
  const at = shown && state?.results[shown];
  byId("looks").hidden = !at || key !== null;
  byId("mask-tools").hidden = key !== null;
  byId("key-tools").hidden = key === null;
  byId("clear").hidden = key !== null;
  for (const button of document.querySelectorAll("[data-look]"))
    button.classList.toggle("chosen", button.dataset.look === stage.look);
  for (const button of document.querySelectorAll("[data-tool]"))
    button.classList.toggle("chosen", button.dataset.tool === painter.tool);
  document.querySelector("[data-tool=beside]").hidden = !["point", "beside"].includes(painter.tool);
  byId("pick").classList.toggle("chosen", painter.isPicking);
  const legend = key !== null ? "legend_key" : state?.found ? "legend_tracked" : "legend";
  byId("legend").textContent = t(legend);
  byId("legend").classList.toggle("keys", legend === "legend");
}

stage.shown = frame => {
  byId("frame").value = frame;
  byId("count").textContent = `${frame} / ${state.film.frames - 1}`;
};
stage.failed = tell;
stage.isUnsaved = () => unsaved > 0;

async function play() {
  playing = !playing;
  byId("play").textContent = playing ? "❚❚" : "▶";
  const began = performance.now(), { rate } = state.film, [start, end] = partOf(state);
  const from = stage.frame >= start && stage.frame < end ? stage.frame : start;
  while (playing) {
    const passed = Math.floor((performance.now() - began) / 1000 * rate);
    const frame = start + (from - start + passed) % (end - start);
    if (frame !== stage.frame) await stage.go(frame);
    await new Promise(requestAnimationFrame);
  }
}

function connect() {
  byId("play").addEventListener("click", play);
  byId("undo").addEventListener("click", () => painter.undo());
  byId("clear").addEventListener("click", () => clear(stage.frame));
  byId("size").addEventListener("input", event => { painter.percent = Number(event.target.value); });
  byId("colour").addEventListener("input", event => { painter.colour = event.target.value; });
  byId("pick").addEventListener("click", () => { painter.isPicking = !painter.isPicking; showTools(); });
  byId("leave-key").addEventListener("click", () => { key = null; accept(state); stage.go(stage.frame); });
  byId("larger").addEventListener("click", () => stage.enlarge(1.5));
  byId("smaller").addEventListener("click", () => stage.enlarge(1 / 1.5));
  byId("cancel").addEventListener("click", () => save(() => film.cancel()));
  byId("another").addEventListener("click", another);
  byId("told").lastElementChild.addEventListener("click", () => { byId("told").hidden = true; });
  connectPart({ state: () => state, frame: () => stage.wanted, chosen: choosePart });
  for (const button of document.querySelectorAll("[data-add]")) button.addEventListener("click", () => add(button.dataset.add));
  byId("copy").addEventListener("click", () => navigator.clipboard.writeText(state.command));
  byId("mask-file").addEventListener("change", event => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) save(() => film.mask(file));
  });
  byId("language").addEventListener("change", async event => {
    await speak(event.target.value);
    options.build();
    if (state) accept(state);
    else await start.show();
  });
  for (const button of document.querySelectorAll("[data-tool]"))
    button.addEventListener("click", () => {
      const isPointing = painter.tool === "point" && button.dataset.tool === "beside"
        || painter.tool === "beside" && button.dataset.tool === "point";
      painter.tool = button.dataset.tool;
      if (!isPointing) painter.forgetPoints();
      look("before");
      stage.go(stage.wanted);
    });
  for (const button of document.querySelectorAll("[data-look]"))
    button.addEventListener("click", () => { look(button.dataset.look); stage.go(stage.wanted); });
  for (const button of document.querySelectorAll("[data-do]"))
    button.addEventListener("click", () => save(() => film.do(
      button.dataset.do, { frame: stage.frame, half: byId("half").checked })));
  connectKeys({
    isReady: () => film && !byId("work").hidden,
    step: frames => timeline.jump(stage.wanted + frames),
    play,
    undo: () => painter.undo(),
  });
}

/** Forget what is painted on a frame, and do not show there what was tracked before. */
function clear(frame) {
  painter.forgetPoints();
  cleared.add(frame);
  save(() => film.unpaint(frame));
}

/** Add a part of the object to the mask, or take it away again. */
function add(kind) {
  const complete = state.complete.includes(kind) ? state.complete.filter(one => one !== kind) : [...state.complete, kind];
  save(async () => {
    const found = await film.choose({ complete });
    return complete.length ? film.do("complete") : found;
  });
}

async function another() {
  playing = false;
  film = state = null;
  sessionStorage.removeItem("lgtsm-film");
  sessionStorage.removeItem("lgtsm-path");
  for (const id of ["work", "another"]) byId(id).hidden = true;
  byId("film-name").textContent = byId("film-facts").textContent = "";
  byId("start").hidden = false;
  await attempt(() => start.show());
}

async function follow() {
  for (;;) {
    await new Promise(done => setTimeout(done, isAtWork(state) ? BUSY_MS : IDLE_MS));
    if (!film || unsaved || document.hidden) continue;
    const asked = film, before = saves;
    try {
      const found = await asked.state();
      if (isOffline) {
        isOffline = false;
        byId("told").hidden = true;
      }
      if (asked === film && before === saves) accept(found);  // else it is older than what was saved meanwhile
    } catch (error) {
      if (error instanceof requests.UnknownFilm) await attempt(reopen);
      else tell(error);
    }
  }
}

async function begin() {
  history.replaceState(null, "", "/");  // the token does not stay in the address
  byId("language").value = usual();
  await speak(usual());
  connect();
  facts = await requests.start();
  options = new Options(
    { first: byId("first-options"), more: byId("more-options"), wanted: byId("wanted") },
    facts.form, values => save(() => film.choose(values)));
  options.build();
  const [identity, path] = ["lgtsm-film", "lgtsm-path"].map(name => sessionStorage.getItem(name));
  const first = path ?? facts.first;
  const isOpen = first && await attempt(async () => {
    if (identity) {
      try {
        await opened(identity);
        return true;
      } catch (error) {
        if (!(error instanceof requests.UnknownFilm)) throw error;
      }
    }
    await opened((await requests.open(first)).identity);
    return true;
  });
  if (!isOpen) {
    byId("start").hidden = false;
    await start.show();
  }
  follow();
}

begin();
