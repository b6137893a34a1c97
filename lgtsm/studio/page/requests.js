// Requests to the server; what goes wrong is an Error whose message is a sentence for the user.

export class UnknownFilm extends Error {}

async function ask(path, method = "GET", body = undefined) {
  const headers = typeof body === "string" ? { "Content-Type": "application/json" } : {};
  let answer;
  try {
    answer = await fetch(path, { method, body, headers });
  } catch {
    throw new Error("offline");
  }
  const isJson = (answer.headers.get("content-type") ?? "").includes("json");
  const found = isJson ? await answer.json() : { error: await answer.text() };
  if (answer.status === 404) throw new UnknownFilm(found.error);
  if (!answer.ok) throw new Error(found.error);
  return found;
}

export const start = () => ask("/api/start");
export const list = folder => ask(`/api/list?folder=${encodeURIComponent(folder)}`);
export const open = path => ask("/api/open", "POST", JSON.stringify({ path }));
export const sample = () => ask("/api/sample", "POST", "{}");
export const send = file => ask(`/api/film?name=${encodeURIComponent(file.name)}`, "PUT", file);

/** Requests about one open film. */
export class Film {
  constructor(identity) {
    this.identity = identity;
    this.base = `/film/${identity}`;
  }

  state = () => ask(`${this.base}/state`);
  paint = (frame, blob) => ask(`${this.base}/painted/${frame}`, "PUT", blob);
  unpaint = frame => ask(`${this.base}/painted/${frame}`, "DELETE");
  paintKey = (frame, blob) => ask(`${this.base}/key/${frame}`, "PUT", blob);
  mark = prompt => ask(`${this.base}/mark`, "POST", JSON.stringify(prompt));
  mask = file => ask(`${this.base}/mask?name=${encodeURIComponent(file.name)}`, "PUT", file);
  choose = values => ask(`${this.base}/options`, "POST", JSON.stringify(values));
  do = (kind, values = {}) => ask(`${this.base}/do/${kind}`, "POST", JSON.stringify(values));
  cancel = () => ask(`${this.base}/cancel`, "POST", "{}");
  result = name => `${this.base}/result/${name}`;

  /** Fetch a picture of a frame as ImageBitmap; the version makes a changed one be asked for again. */
  async picture(kind, frame, version, signal) {
    const answer = await fetch(`${this.base}/picture/${kind}/${frame}?v=${version}`, { signal });
    if (!answer.ok) throw new Error((await answer.json()).error);
    return createImageBitmap(await answer.blob());
  }
}
