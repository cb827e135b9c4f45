// The document in the frame: its head and menu, which view is shown, and the talk with the loader on the shop's page.

import { call } from "./desk.js";
import { C, avatar, h, icon, iconButton, sync, t } from "./parts.js";
import { S, changed, chatOpen, follow, identify, mark, setSound, shop, show, sound, start, watch } from "./state.js";
import { form, home, whyNot } from "./home.js";
import { askEnd, askTranscript, talk } from "./talk.js";

// The shop's colour, legible in both themes; the desk works it out (src/http/accents.rs).
if (C.theme) try {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(C.theme);
  document.adoptedStyleSheets = [sheet];
} catch { /* the colours of frame.css */ }

// -- the head -----------------------------------------------------------------------------------------------------------------------------------

const team = () => ({ name: C.shop, photo: C.team_photo });

function menu() {
  const item = (name, words, act) => h("li", null, h("button", { type: "button", onclick: () => { toggle(false); act(); } }, icon(name), words));
  const list = h("ul", { class: "menu", hidden: true });
  const button = iconButton("more", t("menu"), () => toggle(list.hidden), { "aria-expanded": "false" });
  function toggle(on) {
    if (on) {
      list.replaceChildren(...[
        item(sound() ? "mute" : "sound", t(sound() ? "sound-off" : "sound-on"), () => setSound(!sound())),
        S.messages.length > 0 && item("mail", t("transcript"), askTranscript),
        chatOpen() && item("end", t("end"), askEnd),
      ].filter(Boolean));
    }
    list.hidden = !on;
    button.setAttribute("aria-expanded", on);
    if (on) list.querySelector("button").focus();
    else if (list.contains(document.activeElement)) button.focus();
  }
  const node = h("div", { class: "menu-place", onkeydown: (event) => { if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); toggle(false); button.focus(); } } }, button, list);
  addEventListener("pointerdown", (event) => { if (!node.contains(event.target)) toggle(false); });
  return node;
}

function partner() {
  const agent = chatOpen() && S.chat.agent;
  const people = agent ? [agent] : S.availability?.open && S.availability.people.length ? S.availability.people.slice(0, 3) : [team()];
  const known = (one) => ({ ...S.availability?.people.find((other) => other.name === one.name), ...one });
  return h("div", { class: "partner" }, h("div", { class: "faces" }, people.map((one) => avatar(known(one)))),
    h("div", null, h("h1", null, agent ? agent.name : C.shop), h("p", null, agent ? t("with-you", { shop: C.shop }) : S.availability?.open === false ? whyNot(S.availability.reason) : t("here-team"))));
}

const head = h("div", { class: "head" });
const closer = iconButton("close", t("launcher-close"), () => shop.tell("close"), { class: "tool closer" });
const menuNode = menu();

function updateHead() {
  sync(head, S.view === "home" ? [] : [
    { key: "back", make: () => iconButton("back", t("page-back"), () => show("home")) },
    S.view === "talk" ? { key: "partner", state: JSON.stringify([S.chat?.agent, chatOpen(), S.availability?.people, S.availability?.open]), make: partner } : { key: "shop", make: () => h("div", { class: "partner" }, h("p", { class: "shop" }, C.shop)) },
    ...S.view === "talk" ? [{ key: "menu", make: () => menuNode }] : [],
  ]);
}

// -- the view --------------------------------------------------------------------------------------------------------------------------------------

const banner = h("p", { class: "banner", role: "status", hidden: true });
const notice = h("p", { class: "notice", role: "status", hidden: true });
const main = h("main");
document.body.append(h("div", { class: "app" }, head, closer, banner, notice, main));

let shown, current;

function update() {
  const wanted = S.view + (S.form || "");
  if (wanted !== shown) {
    const moved = shown !== undefined && document.hasFocus();
    shown = wanted;
    current = S.view === "home" ? home() : S.view === "form" ? form(S.form) : talk();
    document.body.className = S.view;
    main.replaceChildren(current.node);
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
const begin = () => { if (!begun) { begun = true; start().then(answerAsk); } };
let asked = false;

/** Whether a greeting would be honest now. */
function answerAsk() {
  if (asked && S.ready) { asked = false; shop.tell("available", !!S.availability.ways.chat && !chatOpen()); }
}

const hears = {
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
  port.onmessage = ({ data: [name, value] }) => { if (Object.hasOwn(hears, name)) hears[name](value); };
  Object.assign(S, { page: first.page, context: first.context, open: first.open });
  if (first.identity) identify(first.identity);
  if (first.greeting) { S.greeting = first.greeting; S.view = "talk"; }
  asked = first.ask;
  begin();
  changed();
  if (S.open) setTimeout(focus, 60);
});

update();
if (parent === window) { // looked at by itself, as in the settings
  S.open = true;
  begin();
} else parent.postMessage("sportello", around);
