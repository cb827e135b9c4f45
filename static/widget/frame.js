// Sportello's chat in its frame on a shop's page: what it knows, how it reaches the desk, and its opening view. Forms and the conversation
// are in talk.js, fetched when first needed. No text ever becomes HTML.

/** The settings that the page carries (see templates/channels/chat/frame.html). */
export const C = JSON.parse(document.getElementById("config").textContent);

/** A text in the visitor's language, its `{names}` filled in. */
export const t = (key, values) => (C.texts[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => values?.[name] ?? all);

// -- elements ------------------------------------------------------------------------------------------------------------------------

/** An element with attributes, listeners (`onclick: fn`) and children (nodes and texts; nothing for null and false). */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

// Lucide, as one path each.
const CIRCLE = "M2 12a10 10 0 1 0 20 0 10 10 0 1 0-20 0";
const PATHS = {
  close: "M18 6 6 18M6 6l12 12",
  back: "m15 18-6-6 6-6",
  next: "m9 18 6-6-6-6",
  down: "M12 5v14M19 12l-7 7-7-7",
  more: "M12 5h.01M12 12h.01M12 19h.01M12 5v.01M12 12v.01M12 19v.01",
  clip: "m21.44 11.05-9.19 9.19a6 6 0 0 1-8.49-8.49l8.57-8.57A4 4 0 1 1 18 8.84l-8.59 8.57a2 2 0 0 1-2.83-2.83l8.49-8.48",
  smile: CIRCLE + "M8 14s1.5 2 4 2 4-2 4-2M9 9h.01M15 9h.01",
  send: "m5 12 7-7 7 7M12 19V5",
  phone: "M22 16.92v3a2 2 0 0 1-2.18 2 19.79 19.79 0 0 1-8.63-3.07 19.5 19.5 0 0 1-6-6 19.79 19.79 0 0 1-3.07-8.67A2 2 0 0 1 4.11 2h3a2 2 0 0 1 2 1.72 12.84 12.84 0 0 0 .7 2.81 2 2 0 0 1-.45 2.11L8.09 9.91a16 16 0 0 0 6 6l1.27-1.27a2 2 0 0 1 2.11-.45 12.84 12.84 0 0 0 2.81.7A2 2 0 0 1 22 16.92z",
  mail: "M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zm18 3-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 7",
  chat: "M7.9 20A9 9 0 1 0 4 16.1L2 22Z",
  form: "M12 20h9M16.5 3.5a2.12 2.12 0 0 1 3 3L7 19l-4 1 1-4Z",
  help: CIRCLE + "M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3M12 17h.01",
  clock: CIRCLE + "M12 6v6l4 2",
  star: "m12 2 3.09 6.26L22 9.27l-5 4.87 1.18 6.88L12 17.77l-6.18 3.25L7 14.14 2 9.27l6.91-1.01z",
  file: "M15 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V7ZM14 2v4a2 2 0 0 0 2 2h4",
  sound: "M11 5 6 9H2v6h4l5 4zM15.54 8.46a5 5 0 0 1 0 7.07M19.07 4.93a10 10 0 0 1 0 14.14",
  mute: "M11 5 6 9H2v6h4l5 4zM22 9l-6 6M16 9l6 6",
  end: CIRCLE + "m7-3 6 6M15 9l-6 6",
  again: "M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5",
};

/** One of the icons above; its meaning stands beside it or in the label of its button. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon. */
export const iconButton = (name, label, onclick, more) => h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick, ...more }, icon(name));

/** Somebody's photo, or the initials where there is none or it does not load. Always decoration: the name stands beside it. */
export function avatar({ name = "", photo, initials, colour }) {
  const words = name.trim().split(/\s+/);
  const letters = initials || [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] || "").join("").toUpperCase();
  const hue = colour ?? [...name].reduce((sum, c) => sum + c.codePointAt(0), 0) % 8;
  const fallback = () => h("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, letters);
  if (!photo) return fallback();
  const image = h("img", { class: "avatar", src: photo, alt: "", width: 40, height: 40, onerror: () => image.replaceWith(fallback()) });
  return image;
}

/** Keeps the children of `list` in the order of `items` (`{key, state, make}`). What has not changed stays the very same element. */
export function sync(list, items) {
  const old = new Map([...list.children].map((node) => [node.key, node]));
  let place = list.firstChild;
  for (const { key, state = "", make } of items) {
    let node = old.get(key);
    if (node?.state === state) old.delete(key);
    else {
      node = make();
      node.key = key;
      node.state = state;
    }
    if (node === place) place = place.nextSibling;
    else list.insertBefore(node, place);
  }
  for (const node of old.values()) node.remove();
}

// -- numbers, times, durations: as the visitor's own browser writes them, in the visitor's own zone --------------------------------------

export const locale = navigator.languages.find((tag) => tag.slice(0, 2) === C.language) || C.language;
const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
export const date = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
export const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
export const capital = (text) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
const names = new Intl.ListFormat(locale, { type: "conjunction" });

/** "14:05". */
export const time = (at) => clock.format(new Date(at));

/** Whole days from today. */
export function days(at) {
  const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  return Math.round((midnight(at) - midnight(Date.now())) / 864e5);
}

/** "We are back tomorrow at 9:00." */
export function opens(at) {
  const distance = days(at);
  const key = distance === 0 ? "opens-today" : distance === 1 ? "opens-tomorrow" : "opens-day";
  return t(key, { time: time(at), day: (distance < 7 ? weekday : date).format(new Date(at)) });
}

/** "4 minutes", rounded up: nobody is told less than it takes. */
function duration(seconds) {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  const [value, unit] = minutes < 90 ? [minutes, "minute"] : [Math.ceil(minutes / 60), "hour"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** What was measured is called usual, what is only aimed at is called an aim. */
export const wait = (estimate) => estimate && t(estimate.basis === "history" ? "wait-usual" : "wait-target", { time: duration(estimate.seconds) });

/** Who is before them in the queue, in words. */
export const place = (n) => n === 0 ? t("place-next") : n === 1 ? t("place-one") : t("place-many", { count: n });

/** "Anna, Marco and Giulia". */
const list = (people) => names.format(people);

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
const hearTabs = (hear) => { if (channel) channel.onmessage = ({ data: [name, value] }) => hear[name]?.(value); };

/**
 * Runs `work` in one tab at a time. Browsers without locks rely on the desk, which keeps a message of the same id once; so do those that
 * forbid frames of another site to keep anything, and with it the locks.
 */
export async function alone(work) {
  let begun = false;
  try {
    if (navigator.locks) return await navigator.locks.request(PREFIX + "send", () => { begun = true; return work(); });
  } catch (error) {
    if (begun) throw error;
  }
  return work();
}

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

export const headers = () => {
  const token = store.get("token");
  return { "Accept-Language": C.language, ...(token && { Authorization: `Bearer ${token}` }) };
};

export function take(answer) {
  if (answer?.token) {
    store.set("token", answer.token);
    tabs("token", answer.token);
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

// -- the stream ------------------------------------------------------------------------------------------------------------------------------

/** Longest silence of a living stream, in milliseconds: the desk says something every 20 seconds. */
const SILENCE = 45000;

let wanted = false;
let running = null;

/** Reads events while `on`. `hear(name, data)` gets each; `cursor()` says the newest message known; `state(up)` when it comes and goes. */
function listen(on, to) {
  wanted = on;
  if (on && !running) running = read(to).finally(() => { running = null; });
  if (!on) stop?.();
}

/** Comes back at once, with the newest token: the network is here again, the tab is looked at again, the token is new. */
const relisten = () => stop?.(true);

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

export const S = {
  ready: false, // the desk has answered once
  open: false, // the panel is open
  up: true, // the network is there
  view: "home", // home, form or talk
  form: null, // which form: intro, callback or email
  availability: null,
  visitor: null,
  chat: null,
  messages: [],
  more: false, // there are earlier messages
  typing: "",
  atEnd: true, // the newest message is in sight
  problem: null, // {field, words} of what was sent last
  notice: "", // one sentence above the view
  choosing: "", // which way of the late ones is being filled in
  rated: 0,
  intro: store.get("intro") || {}, // what the short form said, until the first message carries it
  greeting: "", // the proactive greeting that they answer
  page: null,
  context: undefined,
  identity: undefined,
};

/** What the shop's page hears; set by frame.js when the page has introduced itself. */
export const shop = { tell() {} };

const watchers = [];
const watch = (fn) => watchers.push(fn);
let due = false;

/** Something is different now: everything is shown again, once. */
export function changed() {
  if (due) return;
  due = true;
  queueMicrotask(() => { due = false; watchers.forEach((fn) => fn()); });
}

/** Shows another view. */
export function show(view, form = null) {
  Object.assign(S, { view, form, notice: "", problem: null, choosing: "" });
  changed();
}

export const chatOpen = () => ["ringing", "queued", "active", "parked"].includes(S.chat?.state);

/** Whether what is written now goes to somebody: a chat or its mail goes on, or one can be begun. */
export const canWrite = () => chatOpen() || S.chat?.state === "mail" || !!S.availability?.ways.chat;

export const outbox = () => store.get("outbox") || [];
const newest = () => S.messages.at(-1)?.id;

// -- what arrives ------------------------------------------------------------------------------------------------------------------------------

let beeper;

/** Two soft notes, no file. Browsers allow it once the visitor has touched the frame. */
function beep() {
  try {
    beeper ||= new AudioContext();
    for (const [frequency, from] of [[660, 0], [880, 0.12]]) {
      const tone = beeper.createOscillator(), volume = beeper.createGain(), at = beeper.currentTime + from;
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0.08, at);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.3);
      tone.connect(volume).connect(beeper.destination);
      tone.start(at);
      tone.stop(at + 0.3);
    }
  } catch { /* no sound then */ }
}

export const sound = () => !!store.get("sound");
export function setSound(on) {
  store.set("sound", on);
  if (on) beep();
}

/** Takes in a message, whichever way and however often it comes. */
export function receive(message, live) {
  if (message.client) {
    const left = outbox().filter((entry) => entry.id !== message.client);
    if (left.length !== outbox().length) store.set("outbox", left);
  }
  const at = S.messages.findIndex((other) => other.id >= message.id);
  if (S.messages[at]?.id === message.id) S.messages[at] = message;
  else {
    S.messages.splice(at < 0 ? S.messages.length : at, 0, message);
    if (live) {
      shop.tell("message", { from: message.from, at: message.at });
      if (message.from !== "visitor") {
        S.typing = "";
        if (sound()) beep();
      }
    }
  }
  changed();
}

export function setChat(chat) {
  if (chat?.number !== S.chat?.number) S.rated = 0;
  S.chat = chat;
  if (!chat?.late) S.choosing = "";
  shop.tell("chat", chatOpen());
  if (!chatOpen()) S.typing = "";
  follow();
  changed();
}

let typingTimer;
const hears = {
  availability: (availability) => { S.availability = availability; },
  chat: setChat,
  message: (message) => receive(message, true),
  typing: ({ name }) => {
    S.typing = name;
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => { S.typing = ""; changed(); }, 6000);
  },
};

const stream = {
  hear: (name, data) => { hears[name]?.(data); changed(); },
  cursor: newest,
  state: (up) => { S.up = up; changed(); if (up) pump(); },
  gone: () => forget(),
};

/** A stream only while somebody may look at it or a chat goes on. */
function follow() {
  listen(S.ready && (S.open || chatOpen()), stream);
}

// -- read marks ----------------------------------------------------------------------------------------------------------------------------------

const told = { delivered: 0, read: 0 };
let seenTimer;

const unread = () => S.messages.filter((message) => message.from !== "visitor" && message.id > (store.get("read") || 0)).length;

/** Whether the visitor sees the end of the conversation now. */
const reading = () => S.open && S.view === "talk" && S.atEnd && !document.hidden;

/** Notes how far was read, and tells the desk. */
export function mark() {
  const last = S.messages.findLast((message) => message.from !== "visitor")?.id;
  if (last && reading() && !(store.get("read") >= last)) {
    store.set("read", last);
    tabs("read");
  }
  shop.tell("unread", unread());
  const seen = { delivered: last || 0, read: Math.min(store.get("read") || 0, last || 0) };
  if (!store.get("token") || (seen.delivered <= told.delivered && seen.read <= told.read)) return;
  clearTimeout(seenTimer);
  seenTimer = setTimeout(() => {
    Object.assign(told, seen);
    call("seen", seen).catch(() => { told.read = told.delivered = 0; });
  }, 300);
}

// -- what is sent ----------------------------------------------------------------------------------------------------------------------------------

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const uuid = () => crypto.randomUUID?.() || "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> c / 4).toString(16));

/** Sends a message: it is kept in this browser first and sent once, in its turn, whatever the network does. */
export function send(message) {
  const mode = S.chat?.state === "mail" ? "email" : "chat";
  const entry = { id: uuid(), at: new Date().toISOString(), mode, files: [], ...message };
  if (!chatOpen()) {
    Object.assign(entry, { ...S.intro, ...message });
    if (S.greeting) entry.greeting = S.greeting;
  }
  store.set("outbox", [...outbox(), entry]);
  tabs("outbox");
  S.view = "talk";
  S.atEnd = true;
  S.notice = "";
  changed();
  pump();
}

let pumping = false, more = false, tries = 0, retry;

/** Sends what waits, the oldest first. Only one tab does it at a time. */
export async function pump() {
  more = true; // what was written while the last look at the outbox ended is looked for once more
  if (pumping) return;
  pumping = true;
  clearTimeout(retry);
  try {
    while (more) {
      more = false;
      while (await alone(sendFirst)) tries = 0;
    }
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 0) S.up = false;
    retry = setTimeout(pump, 1000 * backoff(tries++, problem.after));
  } finally {
    pumping = false;
    changed();
  }
}

export const save = (id, change) => store.set("outbox", outbox().flatMap((entry) => entry.id !== id ? [entry] : change ? [{ ...entry, ...change }] : []));

/** Whether there may be more to send. Throws what may pass. */
async function sendFirst() {
  const entry = outbox().find((one) => !one.failed);
  if (!entry) return false;
  const body = { ...entry, at: undefined, failed: undefined };
  const known = store.get("token");
  try {
    const answer = await call("messages", { ...body, files: entry.files.map((file) => file.id), time_zone: zone, page: S.page, context: S.context });
    S.up = true;
    S.greeting = "";
    S.intro = {};
    store.set("intro", undefined);
    if (answer.visitor) S.visitor = answer.visitor;
    receive(answer.message);
    save(entry.id);
    setChat(answer.chat);
    if (!known) {
      relisten(); // now as somebody
      if (S.identity) identify(S.identity);
    }
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.passing) throw problem;
    refused(entry, problem, known);
  }
  tabs("outbox");
  return true;
}

/** The desk will not take it as it is: what was written goes back to where it can be put right. */
function refused(entry, problem, known) {
  if (problem.status === 401 && known) return forget(); // and the same once more, as a new visitor
  if (problem.code === "unavailable") {
    save(entry.id);
    if (problem.availability) S.availability = problem.availability;
    giveBack(entry);
    show("home");
    S.notice = t("unavailable-now");
  } else if (["name", "email", "phone", "order", "topic", "consent"].includes(problem.field) && !chatOpen()) {
    save(entry.id);
    giveBack(entry);
    S.introduced = false;
    show("form", entry.mode === "chat" ? "intro" : entry.mode);
    S.problem = { field: problem.field, words: problem.words };
  } else save(entry.id, { failed: problem.words || t("failed") });
}

function giveBack(entry) {
  const { name, email, phone, order, topic, consent } = entry;
  S.intro = { ...S.intro, name, email, phone, order, topic, consent };
  const draft = store.get("draft");
  store.set("draft", [entry.text, draft].filter(Boolean).join("\n"));
}

/** The desk no longer knows this browser: everything of the old visitor goes, what was typed stays. */
function forget() {
  store.set("token", undefined);
  store.set("read", undefined);
  tabs("gone");
  wipe();
}

function wipe() {
  told.delivered = told.read = 0;
  Object.assign(S, { visitor: null, messages: [], more: false });
  setChat(null);
  if (S.view === "talk" && !outbox().length) S.view = "home";
  relisten();
}

/** Runs a request of a button: what goes wrong is said in one sentence. Whether it went well. */
export async function attempt(work) {
  try {
    await work();
    S.notice = "";
    return true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) forget();
    S.problem = problem.field ? { field: problem.field, words: problem.words } : null;
    S.notice = S.problem ? "" : problem.words || t(problem.status === 0 ? "offline" : "failed");
    return false;
  } finally { changed(); }
}

/** Who the shop says this is. A browser that has said nothing yet is told of when it does. `null`: signed out, the next one is another. */
function identify(who) {
  S.identity = who || undefined;
  if (!who) {
    if (store.get("token")) forget();
    return;
  }
  if (store.get("token")) call("identify", who).then((answer) => { S.visitor = answer.visitor; changed(); }, () => {});
  else S.visitor = { ...S.visitor, name: who.name, email: who.email, phone: who.phone };
  changed();
}

// -- the beginning ------------------------------------------------------------------------------------------------------------------------------

/** Asks the desk how things stand, again and again until it answers. */
async function start() {
  for (let n = 0; !S.ready; n++) {
    try {
      const answer = await call("hello", { language: C.language, time_zone: zone, page: S.page, context: S.context });
      S.up = S.ready = true;
      S.availability = answer.availability;
      S.visitor = answer.visitor || S.visitor;
      S.more = answer.more;
      answer.messages.forEach((message) => receive(message));
      setChat(answer.chat);
      if (S.view === "home" && (chatOpen() || S.chat?.state === "mail" || outbox().length)) S.view = "talk";
      if (S.identity) identify(S.identity);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) { store.set("token", undefined); continue; }
      S.up = false;
      changed();
      await new Promise((resolve) => setTimeout(resolve, 1000 * backoff(n, problem.after)));
    }
  }
  follow();
  pump();
  changed();
}

hearTabs({
  // Another tab has become somebody: what it wrote is fetched as after a reload.
  token: (token) => {
    store.set("token", token); // what it has stored may reach this tab later than its word
    if (S.ready && !S.messages.length && !pumping) { S.ready = false; start().then(relisten); } else relisten();
  },
  outbox: changed,
  read: changed,
  gone: wipe,
});

addEventListener("online", () => { S.up = true; relisten(); pump(); changed(); });
addEventListener("offline", () => { S.up = false; changed(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { if (!S.up) relisten(); changed(); } });
// Back from the browser's own cache, where streams do not live.
addEventListener("pageshow", (event) => { if (event.persisted) relisten(); });
addEventListener("pagehide", () => {
  const token = store.get("token");
  if (token && chatOpen()) navigator.sendBeacon("leave", JSON.stringify({ token }));
});

// -- the opening view ------------------------------------------------------------------------------------------------------------------------

const first = (name) => name.split(" ")[0];

/** Who is there, or why nobody is and until when. */
function truth(availability) {
  const { people, reason, opens_at: at } = availability;
  if (availability.open && people.length) {
    const named = people.slice(0, 3).map((person) => first(person.name));
    if (people.length > 3) named.push(t("and-more", { count: people.length - 3 }));
    return [people.length === 1 ? t("here-one", { name: named[0] }) : t("here-many", { names: list(named) })];
  }
  if (availability.open) return [t("here-team")];
  return [whyNot(reason), at && opens(at)].filter(Boolean);
}

export const whyNot = (reason) => t("not-" + (["closed", "full", "language"].includes(reason) ? reason : "nobody"));

const faces = (people) => h("div", { class: "faces" }, people.slice(0, 4).map(avatar));

function hero() {
  const { availability } = S;
  return h("header", { class: "hero" },
    h("p", { class: "shop" }, C.team_photo && h("img", { src: C.team_photo, alt: "", width: 32, height: 32 }), C.shop),
    availability?.open && availability.people.length > 0 && faces(availability.people),
    h("h1", { tabindex: "-1" }, C.greeting || (S.visitor?.name ? t("home-title-name", { name: first(S.visitor.name) }) : t("home-title"))),
    availability && h("p", { class: "truth" }, truth(availability).map((line) => h("span", null, line))));
}

/** What the short form before a chat still has to ask: `[name, required]`. */
export function intro() {
  const { before, fields = [] } = C.ask;
  const asked = before === "none" || S.introduced ? [] : fields.filter((name) => name === "order" || name === "topic" || !(S.visitor?.[name] || S.identity?.[name]));
  const all = asked.map((name) => [name, before === "required" && name !== "order"]);
  return [...all, ...consents()];
}

/** Whoever the desk knows has agreed already. */
export const consents = () => C.ask.consent && !S.intro.consent && !store.get("token") ? [["consent", true]] : [];

/** Begins a chat, with the short form before it where the shop wants one. */
export function begin() {
  if (intro().length) show("form", "intro");
  else show("talk");
}

/** The most that can be done now: go on, chat, or leave a message. */
function offer() {
  const { availability } = S;
  if (chatOpen() || S.chat?.state === "mail") {
    const last = S.messages.at(-1);
    return h("section", { class: "card" },
      h("h2", null, t("goes-on")),
      last && h("p", { class: "quote" }, last.text || last.files[0]?.name),
      h("button", { type: "button", class: "button", onclick: () => show("talk") }, icon("chat"), t("go-on")));
  }
  if (!availability.ways.chat) {
    return h("section", { class: "card" },
      h("h2", null, t("leave-title")),
      h("p", null, t(availability.opens_at ? "leave-hint-back" : "leave-hint")),
      h("button", { type: "button", class: "button", onclick: () => show("form", "email") }, icon("mail"), t("leave")));
  }
  const before = availability.place;
  return h("section", { class: "card" },
    h("h2", null, t("talk-title")),
    before > 0 && h("p", { class: "line" }, icon("clock"), h("span", null, t("busy") + " " + place(before))),
    availability.expected && h("p", { class: "line" }, before > 0 ? h("i") : h("i", { class: "dot" }), h("span", null, wait(availability.expected))),
    h("button", { type: "button", class: "button", onclick: begin }, icon("chat"), t("start")));
}

const row = (name, title, hint, to) => {
  const inside = [icon(name), h("span", null, h("strong", null, title), hint && h("small", null, hint)), icon("next")];
  return h("li", null, typeof to === "string" ? h("a", { href: to, target: "_blank", rel: "noopener" }, inside) : h("button", { type: "button", onclick: to }, inside));
};

function ways() {
  const { ways } = S.availability, help = ways.help || C.help, form = ways.form || C.forms?.url;
  const rows = [
    ways.callback && row("phone", t("callback"), t("callback-hint"), () => show("form", "callback")),
    form && row("form", t("form-link"), t("form-link-hint"), form),
    help && row("help", t("help-link"), null, help),
    S.messages.length > 0 && !chatOpen() && S.chat?.state !== "mail" && row("again", t("past"), null, () => show("talk")),
  ].filter(Boolean);
  return h("ul", { class: "card rows" }, rows);
}

const foot = () => h("p", { class: "foot" }, C.privacy && h("a", { href: C.privacy, target: "_blank", rel: "noopener" }, t("form-privacy-link")));

function home() {
  const node = h("div", { class: "home", onpointermove: fetchRest, onfocusin: fetchRest });
  const update = () => {
    const { availability: a, chat, visitor } = S;
    sync(node, [
      { key: "hero", state: JSON.stringify([a?.open, a?.people, a?.reason, a?.opens_at, visitor?.name]), make: hero },
      ...!a ? [{ key: "wait", make: () => h("div", { class: "card ghost", "aria-hidden": "true" }) }] : [
        { key: "main", state: JSON.stringify([a.ways, a.place, a.expected, chatOpen(), chat?.state, S.messages.at(-1)?.id]), make: offer },
        { key: "ways", state: JSON.stringify([a.ways, chatOpen(), S.messages.length > 0]), make: ways },
        { key: "foot", make: foot },
      ],
    ]);
  };
  return { node, update, focus: () => node.querySelector("h1").focus() };
}

// The shop's colour, legible in both themes; the desk works it out (src/http/accents.rs).
if (C.theme) try {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(C.theme);
  document.adoptedStyleSheets = [sheet];
} catch { /* the colours of frame.css */ }

// -- the head -----------------------------------------------------------------------------------------------------------------------------------

export const team = () => ({ name: C.shop, photo: C.team_photo });

const head = h("header", { class: "head" });
const closer = iconButton("close", t("launcher-close"), () => shop.tell("close"), { class: "tool closer" });

function updateHead() {
  sync(head, S.view === "home" ? [] : [
    { key: "back", make: () => iconButton("back", t("page-back"), () => show("home")) },
    ...current.heads?.() || [{ key: "shop", make: () => h("div", { class: "partner" }, h("p", { class: "shop" }, C.shop)) }],
  ]);
}

// -- the view --------------------------------------------------------------------------------------------------------------------------------------

const banner = h("p", { class: "banner", role: "status", hidden: true });
const notice = h("p", { class: "notice", role: "status", hidden: true });
const stage = h("main");
document.body.append(h("div", { class: "app" }, head, closer, banner, notice, stage));

let rest, fetching, failures = 0;

/** Fetches what the opening view can do without. Unless it has come, the next change of anything tries again. */
export function fetchRest() {
  if (rest || fetching) return;
  const again = failures ? `?${failures}` : ""; // some browsers remember that a module did not come
  const style = h("link", { rel: "stylesheet", href: new URL("talk.css" + again, import.meta.url) });
  const styled = new Promise((resolve, reject) => { style.onload = resolve; style.onerror = reject; });
  document.head.append(style);
  fetching = Promise.all([import("./talk.js" + again), styled]).then(([module]) => { rest = module; fetching = null; changed(); }, (error) => {
    console.warn(error);
    failures++;
    style.remove();
    S.up = false;
    setTimeout(() => { fetching = null; changed(); }, 1000 * backoff(failures));
    changed();
  });
}

const empty = { node: "", update() {}, focus() {} };
let shown, current = empty;

function update() {
  if (S.view !== "home") fetchRest();
  const wanted = S.view === "home" || rest ? S.view + (S.form || "") : "";
  if (wanted !== shown) {
    const moved = shown !== undefined && document.hasFocus();
    shown = wanted;
    current = S.view === "home" ? home() : !rest ? empty : S.view === "form" ? rest.form(S.form) : rest.talk();
    document.body.dataset.view = S.view;
    stage.replaceChildren(current.node);
    current.update();
    current.shown?.();
    if (moved) focus();
  } else current.update();
  updateHead();
  banner.hidden = S.up;
  banner.textContent = S.up ? "" : t("offline");
  notice.hidden = !S.notice;
  notice.textContent = S.notice;
  mark();
}

/** Where a touch would bring up the keyboard, only the reader is moved. */
const touch = matchMedia("(pointer: coarse)");
const focus = () => { if (!(touch.matches && S.view === "talk")) current.focus(); };

watch(update);
addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) shop.tell("close"); });

// -- the loader -----------------------------------------------------------------------------------------------------------------------------------------

let begun = false;
const meet = () => { if (!begun) { begun = true; start().then(answerAsk); } };
let asked = false;

/** Whether a greeting would be honest now. */
function answerAsk() {
  if (asked && S.ready) { asked = false; shop.tell("available", !!S.availability.ways.chat && !chatOpen()); }
}

const orders = {
  open(on) {
    S.open = on;
    follow();
    changed();
    if (on) setTimeout(focus, 60); // once it is visible
  },
  page: (page) => { S.page = page; tellPage(); },
  context: (context) => { S.context = context; tellPage(); },
  identify,
  greet: (words) => { S.greeting = words; if (S.view === "home") show("talk"); },
  ask() { asked = true; answerAsk(); },
};

// The desk hears of pages once it knows this browser.
function tellPage() {
  if (begun && chatOpen()) call("page", { page: S.page, context: S.context }).catch(() => {});
}

// Only the page around the frame is heard, and only over the port that it gives; which pages may be that is the policy of this document.
const around = location.ancestorOrigins?.[0] || (document.referrer && new URL(document.referrer).origin) || "*";
addEventListener("message", (event) => {
  const first = event.data?.sportello, port = event.ports[0];
  if (event.source !== parent || (around !== "*" && event.origin !== around) || !first || !port || begun) return;
  shop.tell = (...message) => port.postMessage(message);
  port.onmessage = ({ data: [name, value] }) => { if (Object.hasOwn(orders, name)) orders[name](value); };
  Object.assign(S, { page: first.page, context: first.context, open: first.open });
  if (first.identity) identify(first.identity);
  if (first.greeting) { S.greeting = first.greeting; S.view = "talk"; }
  asked = first.ask;
  meet();
  changed();
  if (S.open) setTimeout(focus, 60);
});

update();
if (parent === window) { // looked at by itself, as in the settings
  S.open = true;
  meet();
} else parent.postMessage("sportello", around);
