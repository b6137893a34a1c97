// The first page: choose a film by its path, drop one, or try the sample.

import * as requests from "./requests.js";
import { t } from "./texts.js";

const byId = id => document.getElementById(id);

/** Shows what may be opened; calls opened(identity) when a film is. */
export class Start {
  constructor(opened, told) {
    Object.assign(this, { opened, told });
    const drop = byId("drop");
    for (const kind of ["dragenter", "dragover"])
      document.addEventListener(kind, event => { event.preventDefault(); drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, () => drop.classList.remove("over"));
    document.addEventListener("drop", event => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file && !byId("start").hidden) this.#send(file);
    });
    byId("film-file").addEventListener("change", event => this.#send(event.target.files[0]));
    byId("sample").addEventListener("click", () => this.#try(requests.sample(), t("rendering")));
    byId("open-path").addEventListener("click", () => this.#path(byId("path").value));
    byId("path").addEventListener("keydown", event => event.key === "Enter" && this.#path(byId("path").value));
    byId("above").addEventListener("click", () => this.#list(this.aboveFolder));
  }

  /** Show the page. */
  async show() {
    this.facts = await requests.start();
    byId("opened").replaceChildren(...this.facts.opened.map(film => {
      const button = document.createElement("button");
      button.textContent = t(film.at_work ? "continue_at_work" : "continue", { name: film.name });
      button.addEventListener("click", () => this.#path(film.path));
      return button;
    }));
    await this.#list("");
  }

  async #list(folder) {
    try {
      const found = await requests.list(folder);
      this.aboveFolder = found.above ?? "";
      byId("above").disabled = found.above === null;
      byId("path").value = found.folder;
      byId("entries").replaceChildren(...found.entries.map(entry => {
        const line = document.createElement("li"), button = document.createElement("button");
        button.className = entry.kind;
        button.textContent = entry.name;
        button.addEventListener("click", () =>
          entry.kind === "folder" ? this.#list(entry.path) : this.#path(entry.path));
        line.append(button);
        return line;
      }));
      if (!found.entries.length) byId("entries").textContent = t("no_films");
    } catch (error) {
      this.told(error);
    }
  }

  #path(path) {
    return this.#try(requests.open(path), t("opening"));
  }

  #send(file) {
    if (!file) return;
    if (file.size > this.facts.upload_limit) {
      this.told(new Error(t("too_large", { most: Math.round(this.facts.upload_limit / 2 ** 20) })));
      return;
    }
    this.#try(requests.send(file), t("sending", { name: file.name }));
  }

  async #try(answer, busy) {
    document.body.classList.add("busy");
    const said = byId("drop").querySelector("p"), before = said.textContent;
    said.textContent = busy;
    try {
      await this.opened((await answer).identity);
    } catch (error) {
      this.told(error);
    } finally {
      said.textContent = before;
      document.body.classList.remove("busy");
    }
  }
}
