// Live chat: what rings, saying things at once, and telling the other side what was read. The page itself comes from the server; see
// alive.js for how it stays true.

import { $, $$, atEnd, el, icon, prepare, refresh, refreshBar, refreshSoon, request, shows, showTitle, stopTyping, toast, toEnd, touch } from "./alive.js";

// -- what rings --------------------------------------------------------------------------------------------------------

// The card in the corner is the truth: it comes with every page.
const cards = () => $$("#offers [data-offer]");
// Taken or declined here: nobody needs to be told who was quicker.
const settled = new Set();
let flashing, chiming, ringingNow = "";

let risen = [];
/** A card rises when it comes, and never again: a style would let it whenever another one is put in before it. */
function rise() {
  const here = $$("#offers > .offer:not([hidden])");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const card of here) {
    if (!still && !risen.includes(card.id)) card.animate({ opacity: [0, 1], transform: ["translateY(8px)", "none"] }, { duration: 160, easing: "ease-out" });
  }
  risen = here.map(({ id }) => id);
}

/** Starts and stops everything that calls for attention, by what rings on the page. */
function ring() {
  const ids = cards().map((card) => card.dataset.offer);
  if (ids.join() === ringingNow) return;
  for (const id of ids) if (!ringingNow.split(",").includes(id)) notify(id);
  for (const id of notices.keys()) if (!ids.includes(id)) closeNotice(id);
  ringingNow = ids.join();
  clearInterval(flashing);
  flashing = undefined;
  chiming?.abort();
  chiming = undefined;
  showTitle();
  if (ids.length === 0) return;
  flashing = setInterval(flash, 1000);
  chiming = new AbortController();
  chime(chiming.signal);
}

function flash() {
  const name = $("#offers .offer-head b")?.textContent;
  if (!name || document.title.startsWith("\u25cf")) showTitle();
  else document.title = `\u25cf ${name} rings`;
}

/** The heartbeat said how things stand. */
function stands({ wish, sent_away, offers, alarms, approve, told, mine }) {
  const place = $("#offers");
  if (!place?.dataset.standing) return;
  // An angry customer's ticket has its own kind of id, so that it is never taken for a chat.
  const ids = [...offers.map(({ id }) => String(id)), ...alarms.map((id) => `r${id}`)];
  for (const card of cards()) if (!ids.includes(card.dataset.offer)) stopped(card.dataset.offer);
  if (mine > waiting && !document.hasFocus()) blip();
  waiting = mine;
  if (approve > approving) {
    blip();
    if (!shows("approvals")) toast("A public answer waits for your approval.", { key: "approve", link: { href: "/approvals", text: "Look at it" } });
  }
  approving = approve;
  if (place.dataset.standing === [wish, sent_away, mine, `${approve}/${told}`, ...ids].join(" ")) return;
  if (shows("chats")) refreshSoon();
  else refreshBar();
}

let waiting = Infinity;
// Answers of others that one may approve.
let approving = Infinity;

/** It rings no more: gone from the screen at once, with a word who was quicker. */
async function stopped(id) {
  for (const card of $$(`[data-offer="${id}"]`)) card.remove();
  ring();
  if (settled.has(id) || document.hidden) return;
  try {
    const response = await request(id.startsWith("r") ? `/reviews/${id.slice(1)}/who` : `/chats/${id}/who`);
    const { by } = response.ok ? await response.json() : {};
    if (by) toast(`${by} took it.`, { key: `taken-${id}` });
  } catch {
    // Only a courtesy.
  }
}

/** Accepts what rings longest. */
export function accept() {
  const button = $$("[data-accept]").find((each) => each.checkVisibility?.() ?? true);
  button?.click();
  return Boolean(button);
}

document.addEventListener("submit", ({ target }) => {
  // What was chosen there is done.
  const menu = target.matches(".call-panel") && target.closest("details");
  if (menu) menu.open = false;
  const card = target.closest("[data-offer]");
  if (card) settled.add(card.dataset.offer);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.altKey && !event.ctrlKey && !event.metaKey && accept()) event.preventDefault();
});

// -- calls that are due ------------------------------------------------------------------------------------------------

const HIDDEN = "sportello-due";
const CALLS_KEPT = 50;
// Storage may be forbidden; then a reminder is hidden on this page only.
const kept = (store, name) => {
  try {
    return JSON.parse(store().getItem(name)) ?? [];
  } catch {
    return [];
  }
};
const keep = (store, name, list) => {
  try {
    store().setItem(name, JSON.stringify(list.slice(-CALLS_KEPT)));
  } catch {
    // Then it is told again on the next page.
  }
};
const local = () => localStorage;
const session = () => sessionStorage;
const hiddenHere = new Set();

/** Shows what was not hidden, and rings once for what is new. */
function remind() {
  const hidden = kept(local, HIDDEN);
  const heardOf = kept(session, HIDDEN);
  let fresh = false;
  for (const card of $$("[data-due]")) {
    const { due } = card.dataset;
    card.hidden = hidden.includes(due) || hiddenHere.has(due);
    if (card.hidden || heardOf.includes(due)) continue;
    heardOf.push(due);
    fresh = true;
  }
  if (!fresh) return;
  keep(session, HIDDEN, heardOf);
  bell();
}

document.addEventListener("click", ({ target }) => {
  const card = target.closest("[data-due-seen]")?.closest("[data-due]");
  if (card) {
    hiddenHere.add(card.dataset.due);
    keep(local, HIDDEN, [...kept(local, HIDDEN), card.dataset.due]);
    card.hidden = true;
  }
  // Whoever dials has the receiver in hand; the colleagues see it.
  const dialled = target.closest("a[data-take]");
  if (dialled) request(`/tickets/${dialled.dataset.take}/call/take`, { method: "POST" }).then(() => refreshSoon(), () => {});
});

// -- sound -------------------------------------------------------------------------------------------------------------

const CHIME = 2600;
let audio;

// Storage may be forbidden; then it rings.
const stored = () => {
  try {
    return localStorage.getItem("sportello-ring") !== "off";
  } catch {
    return true;
  }
};
let aloud = stored();

// Browsers play nothing before the page was touched.
function unlock() {
  if (typeof AudioContext === "undefined") return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume().catch(() => {});
}
for (const name of ["pointerdown", "keydown"]) addEventListener(name, unlock, { capture: true, passive: true });

function note(pitch, at, length, loud) {
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  tone.type = "sine";
  tone.frequency.value = pitch;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loud, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + length);
  tone.connect(gain).connect(audio.destination);
  tone.start(at);
  tone.stop(at + length);
}

const canSound = () => aloud && audio?.state === "running";

function bell() {
  if (!canSound()) return;
  const now = audio.currentTime;
  note(880, now, 0.5, 0.16);
  note(1174.7, now + 0.16, 0.7, 0.16);
}

function blip() {
  if (canSound()) note(660, audio.currentTime, 0.18, 0.08);
}

const pause = (ms, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

/** Rings until told to stop. Of several tabs only the one that holds the lock is heard. */
async function chime(signal) {
  // A tab that was never touched cannot be heard and must not keep the lock from one that can.
  while (!signal.aborted && audio?.state !== "running") await pause(500, signal);
  const sound = async () => {
    while (!signal.aborted) {
      bell();
      await pause(CHIME, signal);
    }
  };
  if (signal.aborted) return;
  if (!navigator.locks) return document.hidden ? undefined : sound();
  try {
    await navigator.locks.request("sportello-ring", { signal }, sound);
  } catch {
    // Told to stop while another tab rang.
  }
}

function showSound() {
  for (const button of $$("[data-sound]")) {
    button.setAttribute("aria-pressed", String(aloud));
    const words = aloud ? "Ring aloud" : "Silent";
    button.title = aloud ? "It rings aloud. Click to be silent." : "It rings silently. Click to ring aloud.";
    if (button.hasAttribute("aria-label")) button.setAttribute("aria-label", words);
    const label = $("span", button);
    if (label) label.textContent = words;
    $("svg", button)?.replaceWith(icon(aloud ? "volume-2" : "volume-x"));
  }
}

// -- desktop notifications ---------------------------------------------------------------------------------------------

const notices = new Map();
const mayNotify = () => typeof Notification !== "undefined" && window.isSecureContext;

function notify(id) {
  if (!document.hidden || !mayNotify() || Notification.permission !== "granted" || notices.has(id)) return;
  const card = $(`#offers [data-offer="${id}"]`);
  try {
    // The same tag from every tab: one notification.
    const notice = new Notification(`${$("b", card).textContent} rings`, { body: $(".offer-words", card).textContent, tag: `chat-${id}` });
    notice.onclick = () => {
      focus();
      notice.close();
    };
    notices.set(id, notice);
  } catch {
    // Some browsers allow it to service workers only.
  }
}

function closeNotice(id) {
  notices.get(id)?.close();
  notices.delete(id);
}

const showNotify = () => {
  for (const button of $$("[data-notify]")) button.hidden = !mayNotify() || Notification.permission !== "default";
};

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-sound]")) {
    aloud = !aloud;
    try {
      localStorage.setItem("sportello-ring", aloud ? "on" : "off");
    } catch {
      // Then only until the page is left.
    }
    showSound();
  }
  if (target.closest("[data-notify]")) Notification.requestPermission().then(showNotify, () => {});
});
addEventListener("storage", ({ key }) => {
  if (key !== "sportello-ring") return;
  aloud = stored();
  showSound();
});

// -- what the visitor writes now ---------------------------------------------------------------------------------------

const STALE = 7000;
// { text, timer } by ticket
const writing = new Map();

function writes({ ticket, text }) {
  clearTimeout(writing.get(ticket)?.timer);
  if (text) writing.set(ticket, { text, timer: setTimeout(() => writes({ ticket, text: "" }), STALE) });
  else writing.delete(ticket);
  showWriting(ticket, text);
}

function showWriting(ticket, text) {
  const place = $(`[data-writing-here="${ticket}"]`);
  if (place) {
    const pane = place.closest("[data-thread]");
    const end = atEnd(pane) || pane.scrollHeight <= pane.clientHeight;
    place.textContent = text;
    if (text && end) toEnd(pane);
  }
  const line = $(`[data-writing="${ticket}"]`);
  if (!line) return;
  if (text) {
    line.dataset.was ??= line.textContent;
    line.textContent = text;
  } else if (line.dataset.was !== undefined) {
    line.textContent = line.dataset.was;
    delete line.dataset.was;
  }
  line.classList.toggle("chat-card-words--writing", Boolean(text));
}

// -- what was read -----------------------------------------------------------------------------------------------------

// The newest message told as read, or as delivered, by chat.
const told = new Map();

function tellSeen() {
  const here = !document.hidden && document.hasFocus();
  for (const pane of $$("[data-chat][data-part]")) {
    const { chat, heard } = pane.dataset;
    const read = here && (pane.checkVisibility?.() ?? true) ? heard : "0";
    const mark = `${heard} ${read}`;
    const before = told.get(chat);
    if (heard === "0" || before === mark || before === `${heard} ${heard}`) continue;
    told.set(chat, mark);
    request(`/chats/${chat}/seen`, { method: "POST", body: new URLSearchParams({ delivered: heard, read }) }).then(
      ({ ok }) => ok || told.delete(chat),
      () => told.delete(chat),
    );
  }
}

// -- saying things -----------------------------------------------------------------------------------------------------

// What is said in one chat arrives in the order in which it was said.
const queues = new Map();
const SLOWEST = 30_000;

// randomUUID exists on secure origins only.
const once = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Takes what the composer holds, shows it at once, and sends it until it has arrived. */
function say(form) {
  const field = $("[data-body]", form);
  const note = form.elements.note.value === "1";
  const text = field.value.trimEnd();
  const extras = $("[data-uploads]", form);
  if (!text && (note || extras.children.length === 0)) return field.focus();
  const ticket = Number(form.dataset.ticket);
  const words = { text, note, once: once(), choices: note ? [] : $$("[name=choice]", form).map(({ value }) => value.trim()).filter(Boolean) };
  const thread = $(`#thread-${ticket}`);
  const bubble = el(
    "article",
    // With an id of its own it is never morphed into the server's bubble.
    { class: `bubble bubble--${note ? "note" : "out"} bubble--first bubble--pending`, id: `said-${words.once}`, "data-js": true },
    el("div", { class: "bubble-body" }, el("div", { class: "prose prose--plain" }, text || "A file")),
    el("p", { class: "bubble-meta", role: "status" }, "Sending…"),
  );
  $(".chat-writing", thread).before(bubble);
  field.value = "";
  delete field.dataset[note ? "note" : "reply"];
  // What is typed from now on is new, and what the server still holds as a draft is on its way.
  touch(field);
  for (const choice of $$("[name=choice]", form)) choice.value = "";
  const menu = $("details.menu[open]", form);
  if (menu) menu.open = false;
  for (const error of $$(".errors", form)) error.remove();
  field.removeAttribute("aria-invalid");
  toEnd(thread);
  stopTyping(ticket);
  const turn = (queues.get(ticket) ?? Promise.resolve()).then(() => send(form, ticket, words, bubble));
  queues.set(ticket, turn.catch(() => {}));
}

async function send(form, ticket, words, bubble) {
  await prepare(form);
  const body = new FormData();
  const given = { note: words.note ? "1" : "0", body: words.text, once: words.once, seen: form.elements.seen.value, then: words.note ? "note" : "send" };
  for (const [name, value] of Object.entries(given)) body.append(name, value);
  for (const choice of words.choices) body.append("choice", choice);
  const extras = $("[data-uploads]", form);
  if (!words.note) {
    for (const input of $$("input", extras)) body.append(input.name, input.value);
    extras.replaceChildren();
    touch(extras);
  }
  for (let attempt = 0; ; attempt++) {
    const outcome = await attemptSay(ticket, body);
    if (outcome.again) {
      $(".bubble-meta", bubble).textContent = "No connection. Trying again…";
      await wait(Math.min(SLOWEST, 1000 * 2 ** attempt) * (0.5 + Math.random() / 2));
      continue;
    }
    if (outcome.error) giveBack(form, words, outcome.error);
    else if (outcome.by === "mail") toast("The chat was over by then: your answer goes by mail.");
    else if (outcome.by === "later") toast("The chat was over by then: your answer waits for their return.");
    await refresh();
    return bubble.remove();
  }
}

async function attemptSay(ticket, body) {
  try {
    const response = await request(`/chats/${ticket}/say`, { method: "POST", body });
    const answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : undefined;
    if (response.ok && answer) return answer;
    if (response.redirected) return { error: "You are signed out. Your words are back in the field; sign in and send again." };
    if (response.status >= 500) return { again: true };
    return { error: answer?.error ?? "The server did not take this. Your words are back in the field." };
  } catch {
    return { again: true };
  }
}

function giveBack(form, words, reason) {
  const field = $("[data-body]", form);
  field.value = field.value ? `${words.text}\n${field.value}` : words.text;
  touch(field);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  $$("[name=choice]", form).forEach((choice, at) => (choice.value ||= words.choices[at] ?? ""));
  toast(`Not sent. ${reason}`, { over: true, key: `say-${form.dataset.ticket}` });
}

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("form[data-say]") || event.defaultPrevented || submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  say(form);
});

// After the list of canned replies has had its say.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  const form = event.target.closest?.("form[data-say]");
  if (!form || event.target.tagName !== "TEXTAREA") return;
  event.preventDefault();
  form.requestSubmit($("[name=then]", form));
});

// -- clocks to the second ----------------------------------------------------------------------------------------------

const MINUTE = 60;

function tick() {
  for (const node of $$("time[data-countdown]")) {
    const due = (Date.parse(node.dateTime) - Date.now()) / 1000;
    if (Number.isNaN(due)) continue;
    const seconds = Math.floor(Math.abs(due));
    const span = seconds >= 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / MINUTE)}:${String(seconds % MINUTE).padStart(2, "0")}`;
    const text = `${span} ${due < 0 ? "over" : "left"}`;
    if (node.textContent !== text) node.textContent = text;
    // What rings for half a minute is not late by itself.
    if (node.closest("[data-offer]")) continue;
    node.classList.toggle("wait--over", due < 0);
    node.classList.toggle("wait--soon", due >= 0 && due < MINUTE);
  }
}

// -- start -------------------------------------------------------------------------------------------------------------

function settle() {
  ring();
  remind();
  rise();
  tick();
  showSound();
  showNotify();
  tellSeen();
  for (const [ticket, { text }] of writing) showWriting(ticket, text);
}

/** Starts everything of this file; once per page. */
export function startChats() {
  document.addEventListener("sportello:heard", ({ detail: { name, data } }) => {
    if (name === "standing") stands(data);
    if (name === "writing") writes(data);
    // What they wrote is said now.
    if (name === "chat") writes({ ticket: data.id, text: "" });
  });
  document.addEventListener("sportello:shown", settle);
  document.addEventListener("sportello:bar", settle);
  document.addEventListener("visibilitychange", tellSeen);
  addEventListener("focus", tellSeen);
  setInterval(tick, 1000);
  settle();
}
