// What the frame knows, and everything that changes it. The parts that show it are told by `changed`.

import { C, t } from "./parts.js";
import { Problem, alone, backoff, call, hearTabs, listen, relisten, store, tabs } from "./desk.js";

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
export const watch = (fn) => watchers.push(fn);
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
function receive(message, live) {
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

function setChat(chat) {
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
export function follow() {
  listen(S.ready && (S.open || chatOpen()), stream);
}

// -- read marks ----------------------------------------------------------------------------------------------------------------------------------

const told = { delivered: 0, read: 0 };
let seenTimer;

export const unread = () => S.messages.filter((message) => message.from !== "visitor" && message.id > (store.get("read") || 0)).length;

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

const uuid = () => crypto.randomUUID?.() || "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> c / 4).toString(16));

/** Where the pictures lie that this tab has sent, until the desk's own are here. */
export const previews = new Map();

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

let pumping = false, tries = 0, retry;

/** Sends what waits, the oldest first. Only one tab does it at a time. */
export async function pump() {
  if (pumping) return;
  pumping = true;
  clearTimeout(retry);
  try {
    while (await alone(sendFirst)) tries = 0;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 0) S.up = false;
    retry = setTimeout(pump, 1000 * backoff(tries++, problem.after));
  } finally {
    pumping = false;
    changed();
  }
}

const save = (id, change) => store.set("outbox", outbox().flatMap((entry) => entry.id !== id ? [entry] : change ? [{ ...entry, ...change }] : []));

/** Whether there may be more to send. Throws what may pass. */
async function sendFirst() {
  const entry = outbox().find((one) => !one.failed);
  if (!entry) return false;
  const { at, failed, ...body } = entry;
  const known = store.get("token");
  try {
    const answer = await call("messages", { ...body, files: entry.files.map((file) => file.id), page: S.page, context: S.context });
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
  const fields = { email: entry.mode === "callback" ? "callback" : "email", phone: "callback", name: "intro", order: "intro", topic: "intro", consent: "intro" };
  if (problem.code === "unavailable") {
    save(entry.id);
    if (problem.availability) S.availability = problem.availability;
    giveBack(entry);
    show("home");
    S.notice = t("unavailable-now");
  } else if (fields[problem.field] && !chatOpen()) {
    save(entry.id);
    giveBack(entry);
    const form = entry.mode === "chat" ? "intro" : entry.mode;
    show("form", form);
    S.problem = { field: problem.field, words: problem.words };
  } else save(entry.id, { failed: problem.words || t("failed") });
}

function giveBack(entry) {
  const { name, email, phone, order, topic, consent } = entry;
  S.intro = { ...S.intro, name, email, phone, order, topic, consent };
  const draft = store.get("draft");
  store.set("draft", [entry.text, draft].filter(Boolean).join("\n"));
}

/** Tries a refused message once more, or lets it go. */
export function again(id) { save(id, { failed: undefined }); pump(); }
export function drop(id) { save(id); tabs("outbox"); changed(); }

/** The desk no longer knows this browser: everything of the old visitor goes, what was typed stays. */
export function forget() {
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
export function identify(who) {
  S.identity = who || undefined;
  if (!who) {
    if (store.get("token")) forget();
    return;
  }
  if (store.get("token")) call("identify", who).then((answer) => { S.visitor = answer.visitor; changed(); }, () => {});
  else S.visitor = { ...S.visitor, name: who.name, email: who.email, phone: who.phone };
}

let lastTyping = 0, typingLater;

/** Lets the agent see what is being written, at most every second. */
export function typing(text) {
  if (!chatOpen()) return;
  clearTimeout(typingLater);
  const pause = lastTyping + 1000 - Date.now();
  if (pause > 0 && text) { typingLater = setTimeout(typing, pause, text); return; }
  lastTyping = Date.now();
  call("typing", { text }).catch(() => {});
}

export const endChat = () => attempt(async () => setChat((await call("end", {})).chat));
export const choose = (choice) => attempt(async () => {
  const { chat, visitor } = await call("choose", choice);
  if (visitor) S.visitor = visitor;
  setChat(chat);
});
export const rate = (stars, comment) => attempt(async () => {
  S.rated = stars;
  await call("rating", { stars, comment });
});
export const transcript = (email) => attempt(() => call("transcript", { email }));

/** Fetches earlier messages. */
export const earlier = () => attempt(async () => {
  const { messages, more } = await call(`history?before=${S.messages[0].id}`);
  messages.forEach((message) => receive(message));
  S.more = more;
});

// -- the beginning ------------------------------------------------------------------------------------------------------------------------------

/** Asks the desk how things stand, again and again until it answers. */
export async function start() {
  for (let n = 0; !S.ready; n++) {
    try {
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
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
  token: () => { if (S.ready && !S.messages.length && !pumping) { S.ready = false; start(); } else relisten(); },
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
