// The opening view, which tells the truth about who is there and how long it takes, and the short forms.

import { C, avatar, h, icon, linked, list, opens, place, sync, t, wait } from "./parts.js";
import { store } from "./desk.js";
import { S, chatOpen, send, show } from "./state.js";

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
    h("h1", { tabindex: "-1" }, S.visitor?.name ? t("home-title-name", { name: first(S.visitor.name) }) : t("home-title")),
    availability && h("p", { class: "truth" }, truth(availability).map((line) => h("span", null, line))));
}

/** Begins a chat, with the short form before it where the shop wants one. */
export function begin() {
  if (intro().length) show("form", "intro");
  else show("talk");
}

/** The most that can be done now: go on, chat, or leave a message. */
function main() {
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

export function home() {
  const node = h("div", { class: "home" });
  const update = () => {
    const { availability: a, chat, visitor } = S;
    sync(node, [
      { key: "hero", state: JSON.stringify([a?.open, a?.people, a?.reason, a?.opens_at, visitor?.name]), make: hero },
      ...!a ? [{ key: "wait", make: () => h("div", { class: "card ghost", "aria-hidden": "true" }) }] : [
        { key: "main", state: JSON.stringify([a.ways, a.place, a.expected, chatOpen(), chat?.state, S.messages.at(-1)?.id]), make: main },
        { key: "ways", state: JSON.stringify([a.ways, chatOpen(), S.messages.length > 0]), make: ways },
        { key: "foot", make: foot },
      ],
    ]);
  };
  return { node, update, focus: () => node.querySelector("h1").focus() };
}

// -- the forms ------------------------------------------------------------------------------------------------------------------------------------

const known = (name) => S.intro[name] || S.visitor?.[name] || S.identity?.[name] || "";

/** What the short form before a chat still has to ask: `[name, required]`. */
function intro() {
  const { before, fields = [], consent } = C.ask;
  const asked = before === "none" || S.introduced ? [] : fields.filter((name) => name === "order" || name === "topic" || !(S.visitor?.[name] || S.identity?.[name]));
  const all = asked.map((name) => [name, before === "required" && name !== "order"]);
  return consent && !S.intro.consent ? [...all, ["consent", true]] : all;
}

const FIELDS = {
  intro,
  callback: () => [["phone", true], ["name", false], ["text", true], ...consent()],
  email: () => [["email", true], ["name", false], ...(C.ask.fields || []).filter((name) => name === "order" || name === "topic").map((name) => [name, false]), ["text", true], ...consent()],
};
const consent = () => C.ask.consent && !S.intro.consent ? [["consent", true]] : [];

const LABELS = { name: "form-name", email: "form-email", phone: "phone", order: "form-order", topic: "form-topic", text: "about" };
const INPUTS = {
  name: { autocomplete: "name" },
  email: { type: "email", inputmode: "email", autocomplete: "email", autocapitalize: "none", spellcheck: "false" },
  phone: { type: "tel", autocomplete: "tel" },
  order: { autocomplete: "off" },
};

/** What is wrong with a value, in words; nothing if it is right. The desk judges in the end. */
export function wrong(name, value, required) {
  if (!value) return required && t(name === "consent" ? "error-consent" : "error-required");
  if (name === "email" && !/^\S+@\S+\.\S+$/.test(value)) return t("error-email");
  if (name === "phone" && !(/^[+\d\s()./-]+$/.test(value) && value.replace(/\D/g, "").length >= 5)) return t("error-phone");
}

/** One field with its label; `problem(words)` shows or clears what is wrong. */
export function field(name, required) {
  const id = "f-" + name, value = name === "text" ? store.get("draft") || "" : known(name);
  const attributes = { id, name, class: "input", required, "aria-describedby": id + "-error", ...INPUTS[name] };
  const error = h("p", { class: "error", id: id + "-error" });
  let input, label = h("label", { for: id }, t(LABELS[name] || name), !required && h("span", { class: "optional" }, ` (${t("form-optional")})`));
  if (name === "text") input = h("textarea", { ...attributes, rows: 4 }, value);
  else if (name === "topic") {
    input = h("select", attributes, h("option", { value: "" }, t("form-topic-choose")),
      C.ask.topics.map((topic) => h("option", { value: topic.key ?? topic, selected: value === (topic.key ?? topic) }, topic.label ?? topic)));
  } else if (name === "consent") {
    input = h("input", { ...attributes, class: "tick", type: "checkbox" });
    label = h("label", { for: id, class: "consent" }, input, h("span", null, linked(C.ask.consent)));
  } else input = h("input", { ...attributes, value });
  const node = h("div", { class: "field" }, name === "consent" ? [error, label] : [label, error, input]);
  const problem = (words) => {
    error.textContent = words || "";
    node.classList.toggle("bad", !!words);
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const read = () => name === "consent" ? input.checked : input.value.trim();
  return { name, node, input, problem, read, check: () => { const words = wrong(name, read(), required); problem(words); return !words; } };
}

const TITLES = { intro: "intro-title", callback: "callback", email: "leave-title" };

export function form(kind) {
  const fields = FIELDS[kind]().map(([name, required]) => field(name, required));
  const values = () => Object.fromEntries(fields.map((one) => [one.name, one.read()]).filter(([, value]) => value));
  const done = () => {
    const { text, ...rest } = values();
    if (kind === "intro") {
      Object.assign(S, { intro: { ...S.intro, ...rest }, introduced: true });
      store.set("intro", S.intro);
      show("talk");
      return;
    }
    store.set("draft", undefined);
    show("talk");
    send({ mode: kind, text, ...rest });
  };
  const submit = (event) => {
    event.preventDefault();
    const bad = fields.filter((one) => !one.check());
    if (bad.length) bad[0].input.focus();
    else done();
  };
  const a = S.availability;
  const hint = kind === "intro" ? t("intro-hint") : kind === "callback" ? t("callback-hint") : t(a?.opens_at ? "leave-hint-back" : "leave-hint");
  const node = h("form", { class: "form", novalidate: true, onsubmit: submit },
    h("h1", { tabindex: "-1" }, t(TITLES[kind])),
    h("p", { class: "muted" }, hint),
    kind !== "intro" && a && !a.open && a.opens_at && h("p", { class: "muted" }, opens(a.opens_at)),
    fields.map((one) => one.node),
    h("div", { class: "actions" },
      h("button", { class: "button" }, t(kind === "intro" ? "continue" : kind === "callback" ? "callback-send" : "form-send")),
      kind === "intro" && C.ask.before !== "required" && !C.ask.consent && h("button", { type: "button", class: "button second", onclick: () => { S.introduced = true; show("talk"); } }, t("skip"))),
    h("p", { class: "muted small" }, t("form-privacy", { shop: C.shop })));
  const text = fields.find((one) => one.name === "text")?.input;
  text?.addEventListener("input", () => store.set("draft", text.value || undefined));
  return {
    node,
    update() {
      const one = S.problem && fields.find((other) => other.name === S.problem.field);
      if (!one) return;
      one.problem(S.problem.words);
      one.input.focus();
      S.problem = null;
    },
    focus: () => node.querySelector("h1").focus(),
  };
}
