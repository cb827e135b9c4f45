// How the frame reaches the desk: what this browser keeps, requests, uploads, and the stream of events.

import { C } from "./parts.js";

// -- kept in this browser, shared by all tabs on the same shop -----------------------------------------------------------------------------

const PREFIX = `sportello:${C.key}:`;
const memory = new Map();

/** localStorage, or memory where the browser forbids it (then a reload forgets). */
export const store = {
  get(name) {
    try {
      const text = localStorage.getItem(PREFIX + name);
      return text === null ? undefined : JSON.parse(text);
    } catch { return memory.get(name); }
  },
  set(name, value) {
    try {
      if (value === undefined) localStorage.removeItem(PREFIX + name);
      else localStorage.setItem(PREFIX + name, JSON.stringify(value));
    } catch { memory.set(name, value); }
  },
};

const channel = window.BroadcastChannel && new BroadcastChannel(PREFIX);

/** Tells the other tabs. */
export const tabs = (...message) => channel?.postMessage(message);

/** Hears the other tabs. */
export const hearTabs = (hear) => { if (channel) channel.onmessage = ({ data: [name, value] }) => hear[name]?.(value); };

/** Runs `work` in one tab at a time. Browsers without locks rely on the desk, which keeps a message of the same id once. */
export const alone = (work) => navigator.locks ? navigator.locks.request(PREFIX + "send", work) : work();

// -- requests ------------------------------------------------------------------------------------------------------------------------------

/** An answer that is not the wished one, or none at all (status 0). */
export class Problem extends Error {
  constructor(status, answer, after) {
    super(answer?.words || "");
    this.status = status;
    this.code = answer?.error;
    this.words = answer?.words;
    this.field = answer?.field;
    this.availability = answer?.availability;
    this.after = Number(after) || 0;
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Seconds until the next try: 1 … 30, scattered so that a thousand browsers do not come back at once. */
export const backoff = (tries, after = 0) => Math.max(after, Math.min(30, 2 ** Math.min(tries, 5)) * (0.5 + Math.random() / 2));

const headers = () => {
  const token = store.get("token");
  return { "Accept-Language": C.language, ...(token && { Authorization: `Bearer ${token}` }) };
};

function take(answer) {
  if (answer?.token) {
    store.set("token", answer.token);
    tabs("token");
  }
  return answer;
}

/** Asks the desk; JSON in and out. Throws [Problem]. */
export async function call(path, body) {
  const sent = headers();
  let response, answer;
  try {
    if (body) sent["Content-Type"] = "application/json";
    response = await fetch(path, { method: body ? "POST" : "GET", headers: sent, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store", signal: AbortSignal.timeout?.(30000) });
    answer = response.status === 204 ? null : await response.json().catch((error) => { if (response.ok) throw error; });
  } catch { throw new Problem(0); }
  if (!response.ok) throw new Problem(response.status, answer, response.headers.get("Retry-After"));
  return take(answer);
}

let uploads = Promise.resolve();

/** Sends one file, one after another: the first may bring the token that the next needs. `progress` hears 0 … 1. */
export function upload(file, progress, signal) {
  const work = () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
    const form = new FormData();
    form.append("file", file, file.name || "file");
    request.open("POST", "files");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.timeout = 300000;
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => request.status < 300 ? resolve(take(request.response)) : reject(new Problem(request.status, request.response));
    request.onerror = request.ontimeout = request.onabort = () => reject(new Problem(0));
    signal.addEventListener("abort", () => request.abort());
    if (signal.aborted) reject(new Problem(0));
    else request.send(form);
  });
  const turn = () => store.get("token") ? work() : alone(work);
  return (uploads = uploads.catch(() => {}).then(turn));
}

// -- the stream ------------------------------------------------------------------------------------------------------------------------------

/** Longest silence of a living stream, in milliseconds: the desk says something every 20 seconds. */
const SILENCE = 45000;

let wanted = false;
let running = null;

/** Reads events while `on`. `hear(name, data)` gets each; `cursor()` says the newest message known; `state(up)` when it comes and goes. */
export function listen(on, to) {
  wanted = on;
  if (on && !running) running = read(to).finally(() => { running = null; });
  if (!on) stop?.();
}

/** Comes back at once, with the newest token: the network is here again, the tab is looked at again, the token is new. */
export const relisten = () => stop?.(true);

let stop;

async function read({ hear, cursor, state, gone }) {
  let tries = 0;
  while (wanted) {
    const end = new AbortController();
    let pause = 0, again = false, meant = false, silence;
    let wake = () => {};
    stop = (now) => { meant = true; again ||= now === true; end.abort(); wake(); };
    const alive = () => { clearTimeout(silence); silence = setTimeout(() => end.abort(), SILENCE); };
    try {
      alive();
      const after = cursor();
      const response = await fetch(`events?lang=${C.language}${after ? `&after=${after}` : ""}`, { headers: { ...headers(), Accept: "text/event-stream" }, credentials: "omit", cache: "no-store", signal: end.signal });
      if (response.status === 401) gone();
      if (!response.ok) throw new Problem(response.status, null, response.headers.get("Retry-After"));
      tries = 0;
      state(true);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        alive();
        const blocks = (rest + value).split(/\r?\n\r?\n/);
        rest = blocks.pop();
        for (const block of blocks) {
          let name = "message", data = "";
          for (const line of block.split(/\r?\n/)) {
            if (line.startsWith("event:")) name = line.slice(6).trim();
            else if (line.startsWith("data:")) data += line.slice(5).trim();
          }
          if (name === "bye") pause = 0.1 + Math.random() * 2; // everybody hears it at once
          else if (data) hear(name, JSON.parse(data));
        }
      }
    } catch (error) {
      if (!meant) {
        state(false);
        pause = backoff(tries++, error.after);
      }
    }
    clearTimeout(silence);
    end.abort();
    if (wanted && !again) await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 1000 * (pause || 0.5 + Math.random())); });
  }
}
