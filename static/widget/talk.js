// The conversation: bubbles, marks, how things stand, and the end of it.

import { C, avatar, day, dialog, h, icon, iconButton, linked, place, size, sync, t, time, wait } from "./parts.js";
import { S, again, canWrite, changed, chatOpen, choose, drop, earlier, endChat, mark, outbox, previews, rate, send, shop, transcript } from "./state.js";
import { begin, field } from "./home.js";
import { composer } from "./composer.js";

/** Messages of one person within so many milliseconds are one group. */
const GROUP = 5 * 60e3;

const team = () => ({ name: C.shop, photo: C.team_photo });

/** Who a message is from, with the colour they have among the people on duty. */
const person = (message) => message.from === "desk" ? team()
  : { ...S.availability?.people.find((one) => one.name === message.name), name: message.name, photo: message.photo };

function attachment(file) {
  const url = file.url || previews.get(file.id);
  if (!file.image || !url) {
    const inside = [icon("file"), h("span", null, h("b", null, file.name), h("small", null, size(file.size)))];
    return url ? h("a", { class: "file", href: url, target: "_blank", rel: "noopener" }, inside) : h("span", { class: "file" }, inside);
  }
  return h("button", { type: "button", class: "picture", "aria-label": t("picture", { name: file.name }), onclick: () => picture(url, file.name) },
    h("img", { src: url, alt: file.name, loading: "lazy" }));
}

/** Shows a picture as large as the window allows; the loader makes room for that. */
function picture(url, name) {
  shop.tell("large", true);
  const node = h("dialog", { class: "large", "aria-label": name, onclose: () => { node.remove(); shop.tell("large", false); }, onclick: () => node.close() },
    h("img", { src: url, alt: name }), iconButton("close", t("cancel"), () => node.close()),
    h("a", { class: "button second", href: url, target: "_blank", rel: "noopener", onclick: (event) => event.stopPropagation() }, t("open-picture")));
  document.body.append(node);
  node.showModal();
}

/** One message. `head` and `tail`: the first and the last of its group. */
function bubble(message, head, tail) {
  const mine = message.from === "visitor", who = mine ? null : person(message);
  const only = /^(\p{Extended_Pictographic}|\p{Emoji_Component}|\s){1,8}$/u.test(message.text) && /\p{Extended_Pictographic}/u.test(message.text);
  return h("div", { class: ["row", mine ? "mine" : "theirs", head && "head", tail && "tail"].filter(Boolean).join(" ") },
    !mine && tail && avatar(who),
    h("div", { class: "stack" },
      head && !mine ? h("p", { class: "name" }, who.name) : h("p", { class: "sr" }, mine ? t("you") : who.name),
      message.text && h("p", { class: only ? "bubble only" : "bubble", dir: "auto" }, linked(message.text)),
      message.files.map(attachment),
      message.failed ? h("p", { class: "failed" }, message.failed, " ",
        h("button", { type: "button", onclick: () => again(message.key) }, t("again")), " · ", h("button", { type: "button", onclick: () => drop(message.key) }, t("discard")))
        : tail && h("time", { datetime: message.at }, time(message.at))));
}

function items() {
  const pending = outbox();
  const all = [
    ...S.messages.map((message) => ({ ...message, key: message.client || "m" + message.id })),
    ...pending.map((entry) => ({ ...entry, key: entry.id, from: "visitor", pending: true })),
  ];
  const list = [];
  const hello = S.greeting || C.greeting;
  if (hello && !S.more && S.ready && all[0]?.text !== hello) {
    const message = { from: "desk", text: hello, files: [], at: all[0]?.at || new Date().toISOString() };
    list.push({ key: "hello", state: hello, make: () => { const row = bubble(message, true, true); row.querySelector("time").remove(); return row; } });
  }
  let before;
  const together = (a, b) => a && b && a.from === b.from && a.name === b.name && new Date(b.at) - new Date(a.at) < GROUP && day(a.at) === day(b.at);
  all.forEach((message, index) => {
    const head = !together(before, message), tail = !together(message, all[index + 1]);
    if (!before || day(before.at) !== day(message.at)) {
      const words = day(message.at);
      list.push({ key: "day " + words, make: () => h("p", { class: "day" }, h("span", null, words)) });
    }
    const state = JSON.stringify([message.text, message.files.map((file) => file.url || 1), head, tail, message.failed, message.photo]);
    list.push({ key: message.key, state, make: () => bubble(message, head, tail) });
    before = message;
  });
  if (before?.from === "visitor" && !before.failed) {
    const { delivered, read } = S.chat || {};
    const key = before.pending ? S.up ? "sending" : "waiting" : before.id <= read ? "read" : before.id <= delivered ? "delivered" : "sent";
    list.push({ key: "mark", state: key, make: () => h("p", { class: "mark", "aria-live": "off" }, t("mark-" + key)) });
  }
  if (before?.choices?.length && chatOpen()) {
    list.push({ key: "choices " + before.id, make: () => h("div", { class: "choices" }, before.choices.map((choice) =>
      h("button", { type: "button", onclick: () => send({ text: choice, answer_to: before.id }) }, choice))) });
  }
  return list;
}

// -- how things stand -----------------------------------------------------------------------------------------------------------------------------

const note = (name, ...lines) => h("div", { class: "note" }, icon(name), h("div", null, lines.filter(Boolean).map((line) => h("p", null, line))));

function standing() {
  const { chat, availability, visitor } = S;
  const list = [];
  const add = (key, state, make) => list.push({ key, state: JSON.stringify(state), make });
  if (!chat || chat.state === "ended") {
    if (chat && !outbox().length) add("end", chat.number, ended);
    else if (!S.messages.length && availability?.ways.chat) {
      const lines = [availability.place > 0 && t("busy") + " " + place(availability.place), wait(availability.expected)].filter(Boolean);
      if (lines.length) add("before", lines, () => note("clock", ...lines));
    }
  } else if (chat.state === "mail") {
    const words = visitor?.email ? t("by-mail", { email: visitor.email }) : visitor?.phone ? t("by-phone", { phone: visitor.phone }) : t("by-link");
    add("mail", [words, chat.link, availability?.ways.chat], () => h("div", { class: "panel" }, h("p", null, words),
      h("div", { class: "actions" }, chat.link && h("a", { class: "button second", href: chat.link, target: "_blank", rel: "noopener" }, t("receipt-link-text")))));
  } else if (chat.late) add("late", [chat.offers, chat.place, S.choosing, visitor?.email], late);
  else if (chat.state !== "active") {
    const lines = [t(chat.state), chat.place != null && chat.state === "queued" && place(chat.place), chat.state !== "parked" && wait(chat.expected)].filter(Boolean);
    add("standing", lines, () => note("clock", ...lines));
  }
  return list;
}

/** The promise is broken: it is said, and three ways go on from here. */
function late() {
  const { offers, place: before } = S.chat;
  const pick = (way) => () => { S.choosing = S.choosing === way ? "" : way; view.update(); };
  const way = (name, symbol, hint) => offers.includes(name) && h("li", null,
    h("button", { type: "button", "aria-expanded": name === "wait" ? null : String(S.choosing === name), onclick: name === "wait" ? () => choose({ way: "wait" }) : pick(name) },
      icon(symbol), h("span", null, h("strong", null, t("late-" + name)), hint && h("small", null, hint))),
    S.choosing === name && reach(name));
  return h("section", { class: "panel late", "aria-label": t("late") },
    h("h2", null, t("late")), h("p", null, t("late-hint")),
    h("ul", { class: "rows" }, way("wait", "clock", before == null ? "" : place(before)), way("callback", "phone", t("callback-hint")), way("email", "mail", t("late-email-hint"))));
}

/** The one thing that a way still needs: where to reach them. */
function reach(way) {
  const input = field(way === "callback" ? "phone" : "email", true);
  const form = h("form", { class: "reach", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (!input.check()) return input.input.focus();
    if (!await choose({ way, [input.name]: input.read() }) && S.problem?.field === input.name) input.problem(S.problem.words);
  } }, input.node, h("button", { class: "button" }, t(way === "callback" ? "callback-send" : "late-email")));
  setTimeout(() => input.input.focus());
  return form;
}

function ended() {
  const stars = [1, 2, 3, 4, 5], { rating } = S.chat;
  let chosen = S.rated || rating || 0;
  const comment = h("textarea", { class: "input", rows: 2, id: "f-comment" });
  const more = h("form", { class: "reach", hidden: true, onsubmit: async (event) => {
    event.preventDefault();
    if (await rate(chosen, comment.value.trim() || undefined)) thank();
  } }, h("label", { for: "f-comment" }, t("rate-comment")), comment, h("button", { class: "button second" }, t("form-send")));
  const thanks = h("p", { role: "status" });
  const thank = () => { more.hidden = true; thanks.textContent = t("rate-thanks"); };
  const group = h("fieldset", { class: "stars" }, h("legend", null, t("rate")), stars.map((n) => h("label", { class: n <= chosen ? "on" : "" },
    h("input", { type: "radio", name: "stars", value: n, checked: n === chosen, class: "sr", "aria-label": t("rate-" + n), onchange: () => {
      chosen = n;
      [...group.querySelectorAll("label")].forEach((label, index) => label.classList.toggle("on", index < n));
      more.hidden = false;
      thanks.textContent = "";
      rate(n); // the stars count even if no word follows
    } }), icon("star"))));
  if (rating) thank();
  return h("section", { class: "panel", "aria-label": t("ended") }, h("h2", null, t("ended")), group, more, thanks,
    h("div", { class: "actions" },
      S.availability?.ways.chat && h("button", { type: "button", class: "button", onclick: () => { S.chat = null; S.introduced = false; begin(); } }, t("anew")),
      h("button", { type: "button", class: "button second", onclick: askTranscript }, t("transcript"))));
}

// -- what the menu and the end ask -----------------------------------------------------------------------------------------------------------------

export function askTranscript() {
  const input = field("email", true);
  const close = dialog(t("transcript"), h("p", null, t("transcript-hint")), h("form", { class: "reach", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (!input.check()) return input.input.focus();
    if (await transcript(input.read())) { close(); S.notice = t("transcript-sent", { email: input.read() }); changed(); } else input.problem(S.problem?.words || S.notice);
  } }, input.node, h("button", { class: "button" }, t("form-send"))));
}

export function askEnd() {
  const close = dialog(t("end"), h("p", null, t("end-hint")), h("div", { class: "actions" },
    h("button", { type: "button", class: "button", onclick: () => { close(); endChat(); } }, t("end")),
    h("button", { type: "button", class: "button second", onclick: () => close() }, t("end-not"))));
}

// -- the view -------------------------------------------------------------------------------------------------------------------------------------------

let view;

export function talk() {
  if (view) return view;
  const list = h("div", { class: "messages", role: "log", "aria-live": "off", "aria-label": t("ticket-talk") });
  const dots = h("div", { class: "typing", hidden: true }, h("span", { class: "sr" }), h("i"), h("i"), h("i"));
  const below = h("div", { class: "standing", role: "status" });
  const up = h("button", { type: "button", class: "earlier", hidden: true, onclick: () => fetchEarlier() }, t("ticket-earlier"));
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("ticket-talk"), onscroll: () => look() }, up, list, dots, below);
  const jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => bottom() }, icon("down"), t("newest"));
  const write = composer();
  const node = h("div", { class: "talk" }, scroll, jump, write.node, h("p", { class: "dropped", "aria-hidden": "true" }, t("drop")));
  write.drops(node);

  const far = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
  const bottom = () => { scroll.scrollTop = scroll.scrollHeight; };
  let tall = 0;
  function look() {
    // A scroll that comes of new content or of less room is nobody's wish to leave the end.
    const now = scroll.scrollHeight - scroll.clientHeight;
    if (now !== tall) { tall = now; if (S.atEnd) bottom(); return; }
    const end = far() < 48;
    if (end !== S.atEnd) { S.atEnd = end; jump.hidden = end; }
    if (end) mark();
    if (scroll.scrollTop < 40 && S.more && far() > 40) fetchEarlier();
  }
  let fetching = false;
  async function fetchEarlier() {
    if (fetching) return;
    fetching = true;
    list.setAttribute("aria-live", "off"); // what is old is not news
    const height = scroll.scrollHeight - scroll.scrollTop;
    await earlier();
    update();
    scroll.scrollTop = scroll.scrollHeight - height;
    setTimeout(() => { fetching = false; list.setAttribute("aria-live", "polite"); }, 300);
  }
  // Pictures that arrive, keyboards that open: who was at the end stays there.
  new ResizeObserver(() => { if (S.atEnd) bottom(); }).observe(list);
  new ResizeObserver(() => { if (S.atEnd) bottom(); }).observe(scroll);

  function update() {
    up.hidden = !S.more;
    sync(list, items());
    sync(below, standing());
    dots.hidden = !S.typing;
    dots.firstChild.textContent = S.typing && t("typing", { name: S.typing });
    // Once the end is read, writing goes on only after "anew" has been pressed.
    write.node.hidden = (S.chat?.state === "ended" && !outbox().length) || !canWrite();
    write.recall();
    if (S.atEnd) bottom();
    jump.hidden = S.atEnd;
    if (S.ready && list.getAttribute("aria-live") === "off" && !fetching) setTimeout(() => list.setAttribute("aria-live", "polite"), 1000);
  }
  view = { node, update, shown: () => { S.atEnd = true; write.grow(); bottom(); }, focus: () => write.node.hidden ? scroll.focus() : write.focus() };
  return view;
}
