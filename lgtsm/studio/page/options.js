// Controls for the options, made from their declarations in Python.

import { optionText, t } from "./texts.js";

/** Shows options; calls chosen(values) with what the user changed, by name. */
export class Options {
  constructor({ first, more, wanted }, form, chosen) {
    Object.assign(this, { first, more, wanted, form, chosen });
    this.controls = new Map();
  }

  /** Make the controls, in the language of the page. */
  build() {
    this.first.replaceChildren();
    this.more.replaceChildren();
    this.controls.clear();
    for (const option of this.form) {
      const [name, help] = optionText(option);
      const label = document.createElement("label");
      label.className = "option";
      label.title = help;
      const said = document.createElement("span");
      said.textContent = name;
      const control = this.#control(option);
      control.dataset.option = option.name;
      control.addEventListener("change", () => this.chosen({ [option.name]: this.#value(option, control) }));
      label.append(said, control);
      if (!option.first) {
        const small = document.createElement("small");
        small.textContent = help;
        label.append(small);
      }
      (option.first ? this.first : this.more).append(label);
      this.controls.set(option.name, control);
    }
    this.wanted.replaceChildren();
    for (const name of ["fill_layer", "mask_used", "compare"]) {
      const label = document.createElement("label"), box = document.createElement("input");
      box.type = "checkbox";
      box.dataset.wanted = name;
      box.addEventListener("change", () => this.chosen({
        wanted: [...this.wanted.querySelectorAll("input:checked")].map(one => one.dataset.wanted),
      }));
      label.append(box, t(`also_${name}`));
      this.wanted.append(label);
    }
  }

  #control(option) {
    if (option.kind === "choice") {
      const select = document.createElement("select");
      for (const value of option.choices) select.add(new Option(t(`${option.name}_${value}`) === `${option.name}_${value}` ? value : t(`${option.name}_${value}`), value));
      return select;
    }
    const input = document.createElement("input");
    input.type = { switch: "checkbox", number: "number", text: "text" }[option.kind];
    if (option.limits) [input.min, input.max] = option.limits;
    if (option.step) input.step = option.step;
    return input;
  }

  #value(option, control) {
    if (option.kind === "switch") return control.checked;
    if (control.value.trim() === "") return null;
    return option.kind === "number" ? Number(control.value) : control.value.trim();
  }

  /** Show the values that are chosen, or the defaults. */
  show(values, wanted) {
    for (const option of this.form) {
      const control = this.controls.get(option.name), value = values[option.name] ?? option.default;
      if (document.activeElement === control) continue;
      if (option.kind === "switch") control.checked = value === true;
      else control.value = Array.isArray(value) ? value.join(",") : value ?? "";
    }
    for (const box of this.wanted.querySelectorAll("input")) box.checked = wanted.includes(box.dataset.wanted);
  }
}
