// Keeps the page alive over plain links and forms: swaps <main> by morphing, listens for what happened elsewhere, says who else is
// here, moves the clocks. Everything is wired by delegation on document, so that a morphed page needs no wiring again.

import { Idiomorph } from "../vendor/idiomorph.js";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const main = () => $("#main");

/** Makes an element: `el("p", { class: "hint", onclick: f }, "text", child)`. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// Beside this script, so in the same version of the assets as the page's own icons.
const SPRITE = new URL("../icons.svg", import.meta.url).pathname;

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

// -- talking to the server ---------------------------------------------------------------------------------------------

/** Every request of ours carries this header, which a foreign site cannot set, and the CSRF token where the page has one. */
export function request(url, options = {}) {
  const headers = new Headers(options.headers);
  headers.set("X-Requested-With", "sportello");
  const token = $('meta[name="csrf-token"]')?.content;
  if (token) headers.set("X-CSRF-Token", token);
  return fetch(url, { credentials: "same-origin", ...options, headers });
}

/** Tells the server something while the page goes away. A beacon has no headers: the token travels as a field. */
export function beacon(url, fields) {
  const token = $('meta[name="csrf-token"]')?.content;
  navigator.sendBeacon(url, new URLSearchParams(token ? { ...fields, csrf: token } : fields));
}

// -- toasts ------------------------------------------------------------------------------------------------------------

const toasts = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
document.body.append(toasts);

// Long enough to read; with a way back, as long as the server by default gives to take it.
const TOAST = 6000;
const TOAST_UNDO = 5000;

/** Shows a line in the corner. `over`: a failure, stays until closed. `key`: replaces the toast of the same key. `form`: a way back, once. */
export function toast(text, { over = false, key, link, form } = {}) {
  if (key) dropToast(key);
  const close = el("button", { type: "button", "aria-label": "Close", onclick: () => node.remove() }, icon("x"));
  const node = el("div", { class: `toast${over ? " toast--over" : ""}`, "data-toast": key }, icon(over ? "circle-alert" : "circle-check"), el("span", {}, text));
  if (link) node.append(el("a", { href: link.href, target: "_blank" }, link.text));
  if (form) {
    node.append(form);
    // After the submission has read it.
    form.addEventListener("submit", () => setTimeout(() => node.remove()));
  }
  node.append(close);
  toasts.append(node);
  if (!over) setTimeout(() => node.remove(), form ? TOAST_UNDO : TOAST);
}

export const dropToast = (key) => $(`[data-toast="${CSS.escape(key)}"]`, toasts)?.remove();

function showFlashes() {
  for (const flash of $$("[data-flash]")) {
    const form = $("form", flash);
    form?.remove();
    // Only the last click can be taken back from here.
    toast(flash.textContent.trim(), { over: flash.classList.contains("flash--over"), key: form ? "undo" : undefined, form });
    flash.remove();
  }
}

// -- morphing ----------------------------------------------------------------------------------------------------------

// What the agent has touched since the server last rendered it; a refresh leaves these alone.
let edited = new WeakSet();
export const touch = (node) => edited.add(node);

// Of radios the whole group: to set another one is to unset this one.
const groupOf = (field) => (field.type === "radio" && field.form ? [...field.form.elements].filter(({ name }) => name === field.name) : [field]);
document.addEventListener("input", ({ target }) => {
  groupOf(target).forEach(touch);
  // What stood here when one began to type: a later reading of the page must not say that it was read.
  const read = target.form && $("[data-as-read]", target.form);
  if (read) touch(read);
}, true);

function morph(next, samePage) {
  const keep = {
    beforeNodeMorphed(old, fresh) {
      if (old.nodeType !== 1) return true;
      // The server was told that this part is here as it is.
      if (samePage && fresh.hasAttribute?.("data-same")) return false;
      const same = samePage && (old.id === fresh.id || edited.has(old));
      if (same && edited.has(old)) return false;
      // Folds stay as the agent set them, unless the server has a complaint inside.
      if (same && old.id && old.tagName === "DETAILS" && !$('[aria-invalid="true"]', fresh)) fresh.toggleAttribute("open", old.open);
      if (same && old.id && old.tagName === "DIALOG") fresh.toggleAttribute("open", old.open);
      // A frame that is set anew would load again.
      if (old.tagName === "IFRAME" && old.getAttribute("src") === fresh.getAttribute("src")) return false;
      return true;
    },
    // What scripts added (popups, marks) is not in the server's page.
    beforeNodeRemoved: (old) => !(samePage && old.nodeType === 1 && old.hasAttribute("data-js")),
  };
  if (!samePage) {
    edited = new WeakSet();
    $$("[data-js]").forEach((node) => node.remove());
  }
  const options = { morphStyle: "outerHTML", restoreFocus: true, callbacks: keep };
  if ($("#main", next)) Idiomorph.morph(main(), $("#main", next), options);
  for (const part of $$("[data-morph]")) {
    const fresh = next.getElementById(part.id);
    if (fresh) Idiomorph.morph(part, fresh, options);
  }
}

/** Reads the frame again, what rings and who one is, and leaves the page itself alone. */
export async function refreshBar() {
  try {
    const response = await request(`/presence/bar?at=${encodeURIComponent(location.pathname)}`);
    if (!response.ok || response.redirected) return;
    morph(new DOMParser().parseFromString(await response.text(), "text/html"), true);
    document.dispatchEvent(new CustomEvent("sportello:bar"));
  } catch {
    // The next heartbeat tells it again.
  }
}

const sameShell = (next) =>
  $("#main", next) && next.body.className === document.body.className && $("script[src]", next)?.getAttribute("src") === $("script[src]")?.getAttribute("src");

let shown = location.pathname + location.search;
const placeOf = (url) => {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
};

/** Puts a fetched page on the screen. False when it is another kind of page (signed out, a new release). */
function show(html, url, { push = false } = {}) {
  const next = new DOMParser().parseFromString(html, "text/html");
  if (!sameShell(next)) return false;
  const samePage = new URL(url, location.href).pathname === shown.split("?")[0];
  const before = threads().map((pane) => ({ pane, end: atEnd(pane), last: lastLetter(pane)?.id }));
  if (push && placeOf(url) !== placeOf(location.href)) history.pushState(null, "", url);
  shown = placeOf(url);
  morph(next, samePage);
  baseTitle = next.title;
  document.dispatchEvent(new CustomEvent("sportello:shown", { detail: { samePage } }));
  settle();
  for (const pane of threads()) {
    const was = samePage ? before.find((each) => each.pane === pane) : undefined;
    const news = was?.last !== lastLetter(pane)?.id;
    if (!was || was.end) toEnd(pane);
    else if (was.last && news) offerJump(pane);
  }
  return true;
}

/** What must be true after every change of the page. */
function settle() {
  showTitle();
  moveClocks();
  fitFrames();
  showFlashes();
}

// The server's title may begin with the count; data-unread is the truth while the page stays.
let baseTitle = document.title;
export function showTitle() {
  const unread = Number(main()?.dataset.unread ?? 0);
  const plain = baseTitle.replace(/^\(\d+\) /, "");
  document.title = unread > 0 ? `(${unread}) ${plain}` : plain;
}

// -- the end of the conversation ---------------------------------------------------------------------------------------

const threads = () => $$("[data-thread]");
const lastLetter = (pane) => $$(".letter, .bubble:not([data-js])", pane).at(-1);

// A phone scrolls the page instead.
const scrolls = (pane) => getComputedStyle(pane).overflowY !== "visible";

// What is short enough to be seen whole is at its end too.
export const atEnd = (pane) => scrolls(pane) && pane.scrollHeight - pane.scrollTop - pane.clientHeight < 80;

export function toEnd(pane) {
  if (scrolls(pane)) pane.scrollTop = pane.scrollHeight;
  else lastLetter(pane)?.scrollIntoView({ block: "start" });
  $(".jump", pane)?.remove();
}

// Someone reading further up is told, not moved.
function offerJump(pane) {
  if ($(".jump", pane)) return;
  pane.append(el("button", { type: "button", class: "button jump", id: `jump-${pane.id}`, "data-js": true, onclick: () => toEnd(pane) }, icon("arrow-down"), "New message"));
}

// -- refresh, links, forms ---------------------------------------------------------------------------------------------

// Raised by every navigation and submission: a refresh that began before is out of date and dropped.
let epoch = 0;
const OFFLINE = "Not sent: no connection. Your text is kept.";

// Of two readings the one that was asked for later is true, in whatever order they arrive.
let asked = 0;
let answered = 0;

// What must be read again: the chats of which something was heard, or everything.
let stale = new Set();
let wholly = true;

/** Reads the page again and morphs it in place; with `part`, of several chats only those of which something was heard. */
export async function refresh(url = location.href, { part = false } = {}) {
  const began = epoch;
  const mine = ++asked;
  const missed = { stale, wholly: wholly || !part };
  stale = new Set();
  wholly = false;
  const same = missed.wholly ? [] : $$("[data-chat]").map((pane) => Number(pane.dataset.chat)).filter((id) => !missed.stale.has(id));
  try {
    const response = await request(url, { headers: same.length ? { "X-Same": same.join(",") } : {} });
    const html = await response.text();
    if (began !== epoch || mine < answered || !response.ok) {
      // What was asked for later may have left out what this one was to bring.
      missed.stale.forEach((id) => stale.add(id));
      wholly ||= missed.wholly;
      if (mine < answered) timeRefresh();
      return;
    }
    answered = mine;
    show(html, response.url);
    if ($("[data-same]", main())) refreshSoon();
  } catch {
    wholly = true;
    // The live connection notices by itself and resyncs later.
  }
}

/** Goes to a page of ours without loading the shell again. */
export async function visit(url, { push = true } = {}) {
  const mine = ++epoch;
  try {
    const response = await request(url);
    const html = await response.text();
    if (mine !== epoch) return;
    if (!show(html, response.url, { push })) location.assign(response.url);
  } catch {
    toast("No connection. The page could not be opened.", { over: true, key: "net" });
  }
}

const before = [];
/** Runs `step(form)` and waits for it before any form is sent. */
export const beforeSubmit = (step) => before.push(step);
/** Does what must be done before a form is sent. */
export async function prepare(form) {
  for (const step of before) await step(form);
}

const valuesOf = (form) => new Map([...form.elements].map((field) => [field, field.value]));

async function submit(form, submitter) {
  const method = (submitter?.getAttribute("formmethod") ?? form.getAttribute("method") ?? "get").toLowerCase();
  const url = new URL(submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", location.href);
  if (method === "get") {
    const query = new URLSearchParams(new FormData(form, submitter));
    for (const [name, value] of [...query]) if (value === "") query.delete(name, value);
    url.search = query;
    return visit(url);
  }
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  submitter?.setAttribute("aria-busy", "true");
  const done = () => {
    form.removeAttribute("aria-busy");
    submitter?.removeAttribute("aria-busy");
  };
  try {
    await prepare(form);
    const fields = new FormData(form, submitter);
    const sent = valuesOf(form);
    const body = form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields);
    const mine = ++epoch;
    const response = await request(url, { method: "POST", body });
    const type = response.headers.get("Content-Type") ?? "";
    const html = type.includes("text/html") ? await response.text() : "";
    done();
    if (mine !== epoch) return;
    // The server has these words now; what was typed meanwhile stays.
    for (const [field, value] of sent) if (field.value === value) edited.delete(field);
    $$("[data-uploads], [data-answers]", form).forEach((list) => edited.delete(list));
    if (response.ok) form.closest("dialog")?.close();
    if (response.ok && !html) return refresh();
    if (!html || !show(html, response.redirected ? response.url : location.href, { push: response.redirected })) return explain(response, submitter);
    if (!response.ok) focusProblem();
    else {
      dropToast("net");
      focusNews();
    }
  } catch {
    done();
    toast(OFFLINE, { over: true, key: "net" });
    // It may have arrived all the same: sent again it must be known as the same.
    if (form.elements.once) touch(form.elements.once);
    // A choice that did not arrive must not look as if it had; words stay.
    if (form.matches("[data-auto]")) form.reset();
    form.dispatchEvent(new CustomEvent("sportello:unsent", { bubbles: true }));
  }
}

function explain(response, submitter) {
  if (response.ok && !response.redirected) return refresh();
  // Signing out on purpose, or any door that opens from a settings form, is a real navigation.
  if (response.redirected && !submitter?.form?.matches("[data-composer]")) return location.assign(response.url);
  if (response.redirected) toast("You are signed out. Your text is kept: sign in, then send again.", { over: true, key: "net", link: { href: response.url, text: "Sign in" } });
  else toast("The server could not do that just now. Your text is kept; please try again.", { over: true, key: "net" });
}

function focusProblem() {
  const problem = $('[aria-invalid="true"]', main()) ?? $('[role="alert"]', main());
  problem?.focus();
  problem?.scrollIntoView({ block: "nearest" });
}

// What came of this click may stand far above the button.
function focusNews() {
  const news = $("[data-show]", main());
  news?.focus({ preventScroll: true });
  news?.scrollIntoView({ block: "start" });
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("form[data-enhance]") || event.defaultPrevented) return;
  event.preventDefault();
  submit(form, submitter);
});

document.addEventListener("change", ({ target }) => {
  if (target.form?.matches("[data-auto]") && target.matches("select, [type=checkbox], [type=radio]")) target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-enhance]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target) return;
  if (link.origin !== location.origin) return;
  event.preventDefault();
  visit(link.href);
});

addEventListener("popstate", () => {
  if (placeOf(location.href) !== shown) visit(location.href, { push: false });
});

// -- live --------------------------------------------------------------------------------------------------------------

const PACE = 600;
// Words of a chat are waited for.
const PACE_CHAT = 150;
const PACE_HIDDEN = 5000;
// An open drop-down would close under the agent's hand; there is no telling when it closed without a choice.
const PICKING = 8000;
let pickingSince = -Infinity;
let last = 0;
let timer;

for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, ({ target }) => target.tagName === "SELECT" && (pickingSince = performance.now()));
for (const name of ["change", "focusout"]) document.addEventListener(name, ({ target }) => target.tagName === "SELECT" && (pickingSince = -Infinity));

/** At most one refresh per 600 ms, the first one at once. Of this chat only, if nothing else is asked for meanwhile. */
export function refreshSoon(chat) {
  if (chat) stale.add(chat);
  else wholly = true;
  timeRefresh();
}

function timeRefresh() {
  if (timer) return;
  const pace = shows("chats") ? PACE_CHAT : document.hidden ? PACE_HIDDEN : PACE;
  timer = setTimeout(async () => {
    timer = undefined;
    if (performance.now() - pickingSince < PICKING || $("form[aria-busy=true]")) {
      last = performance.now();
      return timeRefresh();
    }
    last = performance.now();
    await refresh(location.href, { part: true });
  }, Math.max(0, last + pace - performance.now()));
}

export const shows = (what) => (main()?.dataset.live ?? "").split(" ").includes(what);
const ticketShown = () => (shows("ticket") ? Number(main().dataset.ticket) : undefined);

// Whose words stand somewhere on the page of the chats.
const concerns = (id) => $(`#chat-${id}, #card-${id}, #free-${id}`);

function heard(name, data) {
  document.dispatchEvent(new CustomEvent("sportello:heard", { detail: { name, data } }));
  if (name === "chat" && shows("floor")) refreshSoon();
  if (name === "chat" && shows("chats") && concerns(data.id)) refreshSoon(data.id);
  if (name === "floor" && (shows("floor") || shows("chats"))) refreshSoon();

  if (name === "calls") shows("calls") ? refreshSoon() : refreshBar();
  if (name === "ticket" && data.id === ticketShown()) refreshSoon();
  if (name === "list" && shows("list")) refreshSoon();
  if (name === "resync" && main()?.dataset.live) refreshSoon();
  if (name === "presence") showPeople(data.ticket, data.people);
  if (name === "down") toast("Connection lost. Trying again; what you type is kept.", { over: true, key: "live" });
  if (name === "up") dropToast("live");
}

async function listen() {
  const url = new URL("./live-worker.js", import.meta.url);
  const alone = async () => {
    const { openLive } = await import(url);
    const live = openLive(heard);
    addEventListener("online", live.wake);
    addEventListener("pagehide", live.close);
    addEventListener("pageshow", ({ persisted }) => persisted && live.wake());
  };
  if (typeof SharedWorker === "undefined") return alone();
  try {
    let worker;
    const join = () => {
      worker = new SharedWorker(url, { type: "module", name: "sportello-live" });
      worker.onerror = alone;
      worker.port.onmessage = ({ data }) => heard(data.name, data.data);
      worker.port.postMessage("hello");
    };
    join();
    addEventListener("online", () => worker.port.postMessage("wake"));
    addEventListener("pagehide", () => worker.port.postMessage("bye"));
    addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return;
      join();
      refreshSoon();
    });
  } catch {
    return alone();
  }
}

// -- presence ----------------------------------------------------------------------------------------------------------

const BEAT = 15_000;
const TYPING_PACE = 3000;
// The tickets on the screen, each with when one last typed in it and last told so: { typed, told }
const present = new Map();

const ticketsShown = () => (shows("chats") ? $$("[data-chat]").map((pane) => Number(pane.dataset.chat)) : [ticketShown()].filter(Boolean));

const tellPresence = (ticket, state) => request(`/tickets/${ticket}/presence`, { method: "POST", body: new URLSearchParams({ state }), keepalive: true }).catch(() => {});

function leave(stay = []) {
  for (const ticket of [...present.keys()]) {
    if (stay.includes(ticket)) continue;
    beacon(`/tickets/${ticket}/presence`, { state: "left" });
    present.delete(ticket);
  }
}

function enter() {
  const tickets = document.hidden ? [] : ticketsShown();
  leave(tickets);
  for (const ticket of tickets) {
    if (present.has(ticket)) continue;
    present.set(ticket, { typed: -Infinity, told: -Infinity });
    const told = tellPresence(ticket, "viewing");
    // Of other people's chats only those hear who look at them: what was said before that was known is read once more.
    if ($(`#chat-${ticket}:not([data-part])`)) told.then(() => refreshSoon(ticket));
  }
}

function beat() {
  for (const [ticket, { typed }] of present) tellPresence(ticket, performance.now() - typed < BEAT ? "typing" : "viewing");
}

function typed({ target }) {
  if (!target.matches?.("[data-body]")) return;
  const ticket = Number(target.form?.dataset.ticket);
  const state = present.get(ticket);
  // A note is nobody's to wait for.
  if (!state || target.form.elements.note?.value === "1") return;
  state.typed = performance.now();
  if (state.typed - state.told < TYPING_PACE) return;
  state.told = state.typed;
  tellPresence(ticket, "typing");
}

/** What was being typed is said. */
export function stopTyping(ticket) {
  if (!present.has(ticket)) return;
  present.set(ticket, { typed: -Infinity, told: -Infinity });
  tellPresence(ticket, "viewing");
}

function showPeople(ticket, people) {
  const place = $(`[data-presence="${ticket}"]`);
  const others = people.filter((person) => String(person.id) !== document.body.dataset.me);
  place?.replaceChildren(
    ...others.map((person) => {
      const letters = person.name.split(/\s+/).slice(0, 2).map((word) => word[0]?.toUpperCase() ?? "").join("");
      const first = person.name.split(/\s+/)[0];
      return el(
        "span",
        { class: `presence-person${person.typing ? " presence-person--typing" : ""}`, title: person.name },
        el("span", { class: `avatar avatar--s avatar--${(person.id % 8) + 1}`, "aria-hidden": "true" }, letters),
        person.typing ? `${first} is typing…` : `${first} is here`,
      );
    }),
  );
}

// -- clocks ------------------------------------------------------------------------------------------------------------

const MINUTE = 60_000;
// Words come from <body data-ago="{} ago" data-left=… data-over=… data-now=…>, so that they are in the agent's language.
const words = (name, fallback) => document.body.dataset[name] ?? fallback;

function span(ms) {
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 60) return `${minutes} m`;
  return minutes < 1440 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

function moveClocks() {
  const now = Date.now();
  const put = (node, text) => node.textContent !== text && (node.textContent = text);
  for (const node of $$("time[data-relative]")) {
    const age = now - Date.parse(node.dateTime);
    // Older than a week the server shows the date.
    if (Number.isNaN(age) || age > 7 * 1440 * MINUTE) continue;
    put(node, age < MINUTE ? words("now", "now") : words("ago", "{} ago").replace("{}", span(age)));
  }
  for (const node of $$("time[data-wait]")) {
    const due = node.dataset.due ? Date.parse(node.dataset.due) - now : undefined;
    if (due === undefined) put(node, span(Math.max(0, now - Date.parse(node.dateTime))));
    else put(node, due < 0 ? words("over", "{} over").replace("{}", span(-due)) : words("left", "{} left").replace("{}", span(due)));
    node.classList.toggle("wait--over", due < 0);
    node.classList.toggle("wait--soon", due >= 0 && due < 30 * MINUTE);
  }
  // The server knows no reader's clock and writes these in UTC.
  for (const node of $$("time[data-moment], time[data-until]")) {
    const date = new Date(node.dateTime);
    if (!Number.isNaN(date.valueOf())) put(node, date.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).replace(",", ""));
  }
  for (const node of $$("time[datetime]:not([title])")) {
    const date = new Date(node.dateTime);
    if (!Number.isNaN(date.valueOf())) node.title = date.toLocaleString(document.documentElement.lang || undefined, { dateStyle: "full", timeStyle: "short" });
  }
}

// -- mail in its own frame ---------------------------------------------------------------------------------------------

// <iframe sandbox="allow-same-origin" data-fit>: no scripts inside, but we may measure it.
function fitFrames() {
  for (const frame of $$("iframe[data-fit]:not([data-fitted])")) {
    const fit = () => {
      const root = frame.contentDocument?.documentElement;
      if (root) frame.style.height = `${root.scrollHeight}px`;
    };
    frame.dataset.fitted = "";
    frame.addEventListener("load", fit);
    fit();
  }
}

// -- start -------------------------------------------------------------------------------------------------------------

/** Starts everything of this file; once per page. */
export function start() {
  settle();
  threads().forEach(toEnd);
  setInterval(moveClocks, 30_000);
  document.addEventListener("input", typed);
  document.addEventListener("sportello:shown", enter);
  document.addEventListener("visibilitychange", () => {
    enter();
    if (!document.hidden && shows("chats")) refreshSoon();
  });
  addEventListener("pagehide", () => leave());
  addEventListener("pageshow", enter);
  setInterval(beat, BEAT);
  enter();
  if (main()?.dataset.live !== undefined || $("#rail")) listen();
}
