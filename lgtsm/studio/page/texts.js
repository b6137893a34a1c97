// Texts of the page in the language of the user.

let texts = {};
let language = "en";

/** Load the texts of a language: "en" or "zh". */
export async function speak(code) {
  language = code === "zh" ? "zh" : "en";
  texts = await (await fetch(`/page/texts.${language}.json`)).json();
  document.documentElement.lang = language;
  localStorage.setItem("lgtsm-language", language);
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = t(one.dataset.text);
  for (const one of document.querySelectorAll("[data-title]")) one.title = t(one.dataset.title);
  for (const one of document.querySelectorAll("[data-hint]")) one.placeholder = t(one.dataset.hint);
}

/** Return the language that was chosen before, or that of the browser. */
export function usual() {
  return localStorage.getItem("lgtsm-language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
}

/** Return a text, with {name} replaced by its value. */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Return what the page says of a stage of work, which the engine names in English. */
export function stage(name) {
  return texts.stages?.[name] ?? name;
}

/** Return label and help of an option. */
export function optionText(option) {
  const [label, help] = [texts.options?.[option.name]].flat();
  return [label ?? option.name.replaceAll("_", " "), help ?? option.text];
}

/** Return seconds in words. */
export function duration(seconds) {
  if (seconds < 60) return t("seconds", { number: Math.ceil(seconds) });
  return t("minutes", { number: Math.ceil(seconds / 60) });
}
