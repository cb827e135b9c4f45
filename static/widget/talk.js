// The forms and the conversation of the chat's frame.

import {
  alone, attempt, avatar, backoff, begin, C, call, canWrite, capital, changed, chatOpen, consents, date, days, h, headers, icon, iconButton, intro,
  locale, mark, opens, outbox, place, Problem, pump, receive, relative, S, save, send, setChat, setSound, shop, show, sound, store, sync,
  t, tabs, take, team, time, wait, whyNot, zone,
} from "./frame.js";

// -- words and dialogs -----------------------------------------------------------------------------------------------------------------------

const LINK = /\bhttps?:\/\/[^\s<>"]+|\bwww\.[^\s<>"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;

/** A text as nodes, its addresses as links. */
function linked(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    // The full stop of the sentence is not part of the address, nor a bracket that opened before it.
    let words = match[0].replace(/[.,;:!?'”»]+$/, "");
    if (words.endsWith(")") && !words.includes("(")) words = words.slice(0, -1);
    const href = words.includes("@") && !/^(https?:|www\.)/i.test(words) ? "mailto:" + words : /^www/i.test(words) ? "https://" + words : words;
    nodes.push(text.slice(from, match.index), h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, words));
    from = match.index + words.length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

/** Asks something over everything else. Returns what closes it. */
function dialog(title, ...children) {
  const node = h("dialog", { class: "sheet", "aria-label": title, onclose: () => node.remove(), onclick: (event) => event.target === node && node.close() },
    h("div", { class: "sheet-in" }, h("h2", null, title), iconButton("close", t("launcher-close"), () => node.close()), ...children));
  document.body.append(node);
  node.showModal();
  return () => node.close();
}

/** "Today", "Yesterday", "Monday, 12 January". */
const day = (at) => capital(days(at) > -2 ? relative.format(days(at), "day") : date.format(new Date(at)));

/** "2.4 MB". */
function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, bytes / 1e3), "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

const known = (name) => S.intro[name] || S.visitor?.[name] || S.identity?.[name] || "";

/** What the shop insists on knowing of everybody, and what it would like to. */
const asks = (name) => C.ask.fields?.includes(name);
const must = (name) => C.ask.before === "required" && asks(name) && !S.visitor?.[name];
const also = (...names) => names.filter(asks).map((name) => [name, false]);

const FIELDS = {
  intro,
  callback: () => [["phone", true], ["time", true], ["name", must("name")], ...must("email") ? [["email", true]] : [], ["text", true], ...consents()],
  email: () => [["email", true], ["name", must("name")], ...also("order", "topic"), ["text", true], ...consents()],
};

const LABELS = { name: "form-name", email: "form-email", phone: "phone", time: "call-back-time", order: "form-order", topic: "form-topic", text: "about" };
const INPUTS = {
  name: { autocomplete: "name" },
  email: { type: "email", inputmode: "email", autocomplete: "email", autocapitalize: "none", spellcheck: "false" },
  phone: { type: "tel", autocomplete: "tel" },
  order: { autocomplete: "off" },
};

/** What is wrong with a value, in words; nothing if it is right. The desk judges in the end. */
function wrong(name, value, required) {
  if (!value) return required && t(name === "consent" ? "error-consent" : "error-required");
  if (name === "email" && !/^\S+@\S+\.\S+$/.test(value)) return t("error-email");
  if (name === "phone" && !(/^[+\d\s()./-]+$/.test(value) && value.replace(/\D/g, "").length >= 5)) return t("error-phone");
}

/** One field with its label; `problem(words)` shows or clears what is wrong. */
function field(name, required) {
  const id = "f-" + name, value = name === "text" ? store.get("draft") || "" : known(name);
  const attributes = { id, name, class: "input", required, "aria-describedby": id + "-error", ...INPUTS[name] };
  const error = h("p", { class: "error", id: id + "-error" });
  let input, label = h("label", { for: id }, t(LABELS[name] || name), !required && h("span", { class: "optional" }, ` (${t("form-optional")})`));
  if (name === "text") input = h("textarea", { ...attributes, rows: 4 }, value);
  else if (name === "topic") {
    input = h("select", attributes, h("option", { value: "" }, t("form-topic-choose")),
      C.ask.topics.map((topic) => h("option", { value: topic.key ?? topic, selected: value === (topic.key ?? topic) }, topic.label ?? topic)));
  } else if (name === "time") {
    input = h("select", attributes);
    call(`times?zone=${encodeURIComponent(zone)}`).then(({ days }) => input.append(...days.map(([day, times]) =>
      h("optgroup", { label: day }, times.map(([at, words]) => h("option", { value: at }, words))))), () => {});
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

/** Where the pictures lie that this tab has sent, until the desk's own are here. */
const previews = new Map();

let uploads = Promise.resolve();

/** Sends one file, one after another: the first may bring the token that the next needs. `progress` hears 0 … 1. */
function upload(file, progress, signal) {
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

const EMOJI = [..."😀😄😂🙂😉😊😍😘🤗🤔😅😬😐😕😟😢😭😡🥳😎🙏👍👎👌👏🙌💪👋🤝🤞❤💔⭐✨🎉🎁🔥💡✅❌❓❗📦🚚🏠📷👟👜"].map((one) => one === "❤" ? "❤️" : one);
const COLUMNS = 8;

/** The emoji picker: arrows move, Enter takes, Esc closes. */
function picker(take, close) {
  const grid = h("div", { class: "emoji", role: "group", "aria-label": t("emoji"), hidden: true, onkeydown: (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS, Home: -1e3, End: 1e3 }[event.key];
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (!step) return;
    event.preventDefault();
    const all = [...grid.children], to = all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + step))];
    for (const one of all) one.tabIndex = one === to ? 0 : -1;
    to.focus();
  } }, EMOJI.map((one, index) => h("button", { type: "button", tabindex: index ? -1 : 0, onclick: () => take(one) }, one)));
  return grid;
}

function composer() {
  let files = []; // {key, file, name, size, image, part, id, error, stop}
  let waiting = false; // Enter was pressed while files were still on their way
  let saving;

  const text = h("textarea", { class: "text", rows: 1, "aria-label": t("write"), placeholder: t("write"), enterkeyhint: "send", oninput: () => { grow(); draft(); typing(text.value.trim()); ready(); } });
  const go = h("button", { type: "submit", class: "go", "aria-label": t("form-send"), title: t("form-send") }, icon("send"));
  const choose = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", "aria-hidden": "true", onchange: () => { add(choose.files); choose.value = ""; } });
  const chips = h("ul", { class: "chips", "aria-label": t("form-files") });
  const problem = h("p", { class: "error", role: "alert" });
  const smiles = picker((one) => { text.setRangeText(one, text.selectionStart, text.selectionEnd, "end"); pick(false); text.focus(); grow(); draft(); ready(); }, () => { pick(false); smile.focus(); });
  const smile = iconButton("smile", t("emoji"), () => pick(smiles.hidden), { "aria-expanded": "false" });
  const node = h("form", { class: "composer", onsubmit: submit }, problem, smiles, chips,
    h("div", { class: "write" }, text, h("div", { class: "tools" }, iconButton("clip", t("form-files"), () => choose.click()), choose, smile, go)));

  function grow() {
    text.style.height = "auto";
    text.style.height = Math.min(text.scrollHeight, 144) + "px";
  }
  const keep = () => { clearTimeout(saving); store.set("draft", text.value || undefined); };
  function draft() {
    clearTimeout(saving);
    saving = setTimeout(keep, 200);
  }
  function pick(on) {
    smiles.hidden = !on;
    smile.setAttribute("aria-expanded", on);
    if (on) smiles.querySelector("[tabindex='0']").focus();
  }
  const ready = () => go.classList.toggle("on", !!(text.value.trim() || files.length));

  text.addEventListener("blur", keep);
  text.addEventListener("keydown", (event) => {
    // Enter that ends a word in an input method is not meant for us (229: Safari says so late).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    add(event.clipboardData.files);
  });

  function add(chosen) {
    problem.textContent = "";
    for (const file of chosen) {
      if (files.length >= C.max_files) { problem.textContent = t("error-too-many-files", { max: C.max_files }); break; }
      if (file.size > C.max_file) { problem.textContent = t("error-file-too-large", { name: file.name, max: size(C.max_file) }); continue; }
      if (!file.size) { problem.textContent = t("error-file-empty", { name: file.name }); continue; }
      const one = { key: crypto.randomUUID?.() || String(Math.random()), file, name: file.name, size: file.size, image: /^image\/(png|jpe?g|gif|webp|avif)$/.test(file.type) };
      if (one.image) one.preview = URL.createObjectURL(file);
      files.push(one);
      carry(one);
    }
    text.focus();
    show();
  }

  /** Uploads one file; what passes is tried again by itself. */
  async function carry(one) {
    one.stop = new AbortController();
    one.error = "";
    for (let tries = 0; ; tries++) {
      try {
        one.part = 0;
        const answer = await upload(one.file, (part) => { one.part = part; bar(one); }, one.stop.signal);
        one.id = answer.id;
        if (one.preview) previews.set(one.id, one.preview);
        break;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (one.stop.signal.aborted) return;
        if (!error.passing || tries > 4) { one.error = error.words || t("upload-failed"); waiting = false; break; }
        await new Promise((resolve) => setTimeout(resolve, 1000 * backoff(tries, error.after)));
      }
    }
    show();
    if (waiting && files.every((other) => other.id)) submit();
  }
  const bar = (one) => { const progress = chips.querySelector(`[data-key="${one.key}"] progress`); if (progress) progress.value = one.part; };

  function show() {
    sync(chips, files.map((one) => ({ key: one.key, state: [one.id, one.error].join(), make: () => h("li", { class: one.error ? "chip bad" : "chip", "data-key": one.key },
      one.preview ? h("img", { src: one.preview, alt: "" }) : icon("file"),
      h("span", null, h("b", null, one.name), one.error ? h("small", null, one.error) : one.id ? h("small", null, size(one.size)) : h("progress", { max: 1, value: one.part || 0, "aria-label": t("uploading", { name: one.name }) })),
      one.error && iconButton("again", t("again"), () => { carry(one); show(); }),
      iconButton("close", t("remove-file", { name: one.name }), () => { one.stop.abort(); files = files.filter((other) => other !== one); show(); text.focus(); })) })));
    ready();
  }

  function submit(event) {
    event?.preventDefault();
    const words = text.value.trim();
    if (!words && !files.length) return;
    if (files.some((one) => one.error)) { problem.textContent = t("upload-failed"); return; }
    waiting = files.some((one) => !one.id);
    go.classList.toggle("busy", waiting);
    if (waiting) return;
    send({ text: words, files: files.map(({ id, name, size, image }) => ({ id, name, size, image })) });
    files = [];
    text.value = problem.textContent = "";
    keep();
    typing("");
    grow();
    show();
    pick(false);
    text.focus();
  }

  return {
    node,
    add,
    focus: () => text.focus(),
    /** What was typed in a form, or came back from the desk. */
    recall() { text.value = store.get("draft") || ""; grow(); ready(); },
    /** The whole panel takes what is dropped. */
    drops(panel) {
      const over = (event) => event.dataTransfer?.types.includes("Files");
      panel.addEventListener("dragover", (event) => { if (over(event)) { event.preventDefault(); panel.classList.add("drop"); } });
      panel.addEventListener("dragleave", (event) => { if (!panel.contains(event.relatedTarget)) panel.classList.remove("drop"); });
      panel.addEventListener("drop", (event) => { if (over(event)) { event.preventDefault(); panel.classList.remove("drop"); add(event.dataTransfer.files); } });
    },
  };
}

/** Messages of one person within so many milliseconds are one group. */
const GROUP = 5 * 60e3;

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
    h("img", { src: url, alt: name }), iconButton("close", t("launcher-close"), () => node.close()),
    h("a", { class: "button second", href: url, target: "_blank", rel: "noopener", onclick: (event) => event.stopPropagation() }, t("open-picture")));
  document.body.append(node);
  node.showModal();
}

/** One message. `head` and `tail`: the first and the last of its group. */
function bubble(message, head, tail, marked) {
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
        : tail && !marked && h("time", { datetime: message.at }, time(message.at))));
}

function items() {
  const pending = outbox();
  const all = [
    ...S.messages.map((message) => ({ ...message, key: message.client || "m" + message.id })),
    ...pending.filter((entry) => !S.messages.some((message) => message.client === entry.id)).map((entry) => ({ ...entry, key: entry.id, from: "visitor", pending: true })),
  ];
  const list = [];
  const newest = all.at(-1), mine = newest?.from === "visitor" && !newest.failed; // then its state stands under it, beside its time
  const hello = S.greeting || C.greeting;
  if (hello && !S.more && S.ready && all[0]?.text !== hello) {
    const message = { from: "desk", text: hello, files: [], at: all[0]?.at || new Date().toISOString() };
    list.push({ key: "hello", state: hello, make: () => { const row = bubble(message, true, true); row.querySelector("time").remove(); return row; } });
  }
  let before;
  const together = (a, b) => a && b && a.from === b.from && a.name === b.name && new Date(b.at) - new Date(a.at) < GROUP && day(a.at) === day(b.at);
  all.forEach((message, index) => {
    const head = !together(before, message), tail = !together(message, all[index + 1]), marked = mine && index === all.length - 1;
    if (!before || day(before.at) !== day(message.at)) {
      const words = day(message.at);
      list.push({ key: "day " + words, make: () => h("p", { class: "day" }, h("span", null, words)) });
    }
    const state = JSON.stringify([message.text, message.files.map((file) => file.url || 1), head, tail, marked, message.failed, message.photo]);
    list.push({ key: message.key, state, make: () => bubble(message, head, tail, marked) });
    before = message;
  });
  if (mine) {
    const { delivered, read } = S.chat || {};
    const key = newest.pending ? S.up ? "sending" : "waiting" : newest.id <= read ? "read" : newest.id <= delivered ? "delivered" : "sent";
    list.push({ key: "mark", state: key + newest.at, make: () => h("p", { class: "mark", "aria-live": "off" }, h("time", { datetime: newest.at }, time(newest.at)), " · ", t("mark-" + key)) });
  }
  if (newest?.choices?.length && chatOpen()) {
    list.push({ key: "choices " + newest.id, make: () => h("div", { class: "choices" }, newest.choices.map((choice) =>
      h("button", { type: "button", onclick: () => send({ text: choice, answer_to: newest.id }) }, choice))) });
  }
  return list;
}

// -- what the visitor does ---------------------------------------------------------------------------------------------------------------------

/** Tries a refused message once more, or lets it go. */
function again(id) { save(id, { failed: undefined }); pump(); }
function drop(id) { save(id); tabs("outbox"); changed(); }

let lastTyping = 0, typingLater;

/** Lets the agent see what is being written, at most every second. */
function typing(text) {
  if (!chatOpen()) return;
  clearTimeout(typingLater);
  const pause = lastTyping + 1000 - Date.now();
  if (pause > 0 && text) { typingLater = setTimeout(typing, pause, text); return; }
  lastTyping = Date.now();
  call("typing", { text }).catch(() => {});
}

const endChat = () => attempt(async () => setChat((await call("end", {})).chat));
const choose = (choice) => attempt(async () => {
  const { chat, visitor } = await call("choose", choice);
  if (visitor) S.visitor = visitor;
  setChat(chat);
});
const rate = (stars, comment) => attempt(async () => {
  S.rated = stars;
  await call("rating", { stars, comment });
});
const transcript = (email) => attempt(() => call("transcript", { email }));

/** Fetches earlier messages. */
const earlier = () => attempt(async () => {
  const { messages, more } = await call(`history?before=${S.messages[0].id}`);
  messages.forEach((message) => receive(message));
  S.more = more;
});

// -- how things stand -----------------------------------------------------------------------------------------------------------------------------

const note = (name, ...lines) => h("div", { class: "note" }, icon(name), h("div", null, lines.filter(Boolean).map((line) => h("p", null, line))));

function standing() {
  const { chat, availability, visitor } = S;
  const list = [];
  const add = (key, state, make) => list.push({ key, state: JSON.stringify(state), make });
  if (!chat || chat.state === "ended") {
    if (chat && !outbox().length) add("end", chat.number, ended);
    else if (availability && !canWrite() && !outbox().length) {
      // It closed while they were about to write; their words are kept, and the form brings them along.
      add("shut", availability.reason, () => h("div", { class: "panel" }, h("p", null, whyNot(availability.reason)),
        h("button", { type: "button", class: "button", onclick: () => show("form", "email") }, t("leave"))));
    } else if (!S.messages.length && availability?.ways.chat) {
      const lines = [availability.place > 0 && t("busy") + " " + place(availability.place), wait(availability.expected)].filter(Boolean);
      if (lines.length) add("before", lines, () => note("clock", ...lines));
    }
  } else if (chat.state === "mail") {
    const words = chat.call || (visitor?.email ? t("by-mail", { email: visitor.email }) : visitor?.phone ? t("by-phone", { phone: visitor.phone }) : t("by-link"));
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
  const inputs = (way === "callback" ? ["phone", "time"] : ["email"]).map((name) => field(name, true));
  const form = h("form", { class: "reach", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    const bad = inputs.filter((one) => !one.check());
    if (bad[0]) return bad[0].input.focus();
    if (!await choose({ way, ...Object.fromEntries(inputs.map((one) => [one.name, one.read()])) })) inputs.find((one) => one.name === S.problem?.field)?.problem(S.problem.words);
  } }, inputs.map((one) => one.node), h("button", { class: "button" }, t(way === "callback" ? "callback-send" : "late-email")));
  setTimeout(() => inputs[0].input.focus());
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
      answered() && h("button", { type: "button", class: "button second", onclick: askTranscript }, t("transcript"))));
}

// -- what the menu and the end ask -----------------------------------------------------------------------------------------------------------------

/** Only a conversation of two can be sent. */
const answered = () => S.messages.some((message) => message.from === "agent");

function askTranscript() {
  const input = field("email", true);
  const close = dialog(t("transcript"), h("p", null, t("transcript-hint")), h("form", { class: "reach", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (!input.check()) return input.input.focus();
    if (await transcript(input.read())) { close(); S.notice = t("transcript-sent", { email: input.read() }); changed(); } else input.problem(S.problem?.words || S.notice);
  } }, input.node, h("button", { class: "button" }, t("form-send"))));
}

function askEnd() {
  const close = dialog(t("end"), h("p", null, t("end-hint")), h("div", { class: "actions" },
    h("button", { type: "button", class: "button", onclick: () => { close(); endChat(); } }, t("end")),
    h("button", { type: "button", class: "button second", onclick: () => close() }, t("end-not"))));
}

// -- the head of the conversation -----------------------------------------------------------------------------------------------------------

function menu() {
  const item = (name, words, act) => h("li", null, h("button", { type: "button", onclick: () => { toggle(false); act(); } }, icon(name), words));
  const list = h("ul", { class: "menu", hidden: true });
  const button = iconButton("more", t("menu"), () => toggle(list.hidden), { "aria-expanded": "false" });
  function toggle(on) {
    if (on) {
      list.replaceChildren(...[
        item(sound() ? "mute" : "sound", t(sound() ? "sound-off" : "sound-on"), () => setSound(!sound())),
        answered() && item("mail", t("transcript"), askTranscript),
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
    h("div", null, h("h1", null, agent ? agent.name : C.shop), h("p", null, agent ? t("with-you") : chatOpen() ? "" : S.availability?.open === false ? whyNot(S.availability.reason) : t("here-team"))));
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
  const sizes = new ResizeObserver(() => { if (S.atEnd) bottom(); });
  [list, below, scroll].forEach((part) => sizes.observe(part));

  function update() {
    up.hidden = !S.more;
    sync(list, items());
    sync(below, standing());
    dots.hidden = !S.typing;
    dots.firstChild.textContent = S.typing && t("typing", { name: S.typing });
    // Once the end is read, writing goes on only after "anew" has been pressed.
    write.node.hidden = (S.chat?.state === "ended" && !outbox().length) || !canWrite();
    if (S.atEnd) bottom();
    jump.hidden = S.atEnd;
    if (S.ready && list.getAttribute("aria-live") === "off" && !fetching) setTimeout(() => list.setAttribute("aria-live", "polite"), 1000);
  }
  const options = menu();
  const heads = () => [
    { key: "partner", state: JSON.stringify([S.chat?.agent, chatOpen(), S.availability?.people, S.availability?.open]), make: partner },
    { key: "menu", make: () => options },
  ];
  view = { node, update, heads, shown: () => { S.atEnd = true; write.recall(); bottom(); }, focus: () => write.node.hidden ? scroll.focus() : write.focus() };
  return view;
}
