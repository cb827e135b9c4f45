// Recipients as chips: over each input[data-addresses], whose value stays what is sent. Without scripts it is a line of text.

import { $, $$, el, icon, request, touch } from "./alive.js";

const PACE = 150;
const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;"]+$/;

/** The parts of a line: cut at commas, semicolons and line ends, but not within quotes or angle brackets. */
function parts(line) {
  const found = [];
  let quoted = false, bracketed = false, part = "";
  for (const c of line) {
    if (c === '"') quoted = !quoted;
    else if (c === "<" && !quoted) bracketed = true;
    else if (c === ">") bracketed = false;
    if (/[,;\n]/.test(c) && !quoted && !bracketed) {
      found.push(part);
      part = "";
    } else part += c;
  }
  return [...found, part].map((each) => each.trim()).filter(Boolean);
}

/** `Anna <anna@example.it>` as name and address. */
function read(part) {
  const match = /^(.*?)\s*<([^<>]*)>$/s.exec(part);
  const address = (match ? match[2] : part).trim();
  return { name: match ? match[1].replace(/^"|"$/g, "").trim() : "", address, good: ADDRESS.test(address) };
}

const write = ({ name, address }) => (name ? `"${name.replace(/["\\<>]/g, "")}" <${address}>` : address);

const fieldOf = (box) => box.previousElementSibling;

function show(box) {
  const field = fieldOf(box), typed = $(".chips-input", box);
  box.shown = field.value;
  $$(".chip", box).forEach((chip) => chip.remove());
  for (const part of parts(field.value)) {
    const who = read(part);
    const remove = el("button", { type: "button", "aria-label": `Remove ${who.address}` }, icon("x"));
    const chip = el("span", { class: who.good ? "chip" : "chip chip--bad", title: who.good ? who.address : "This is not a mail address" }, who.name || who.address, remove);
    remove.addEventListener("click", () => {
      set(box, parts(field.value).filter((each) => each !== part));
      typed.focus();
    });
    chip.addEventListener("dblclick", () => {
      set(box, parts(field.value).filter((each) => each !== part));
      typed.value = part;
      typed.focus();
    });
    box.insertBefore(chip, typed);
  }
}

function set(box, list) {
  const field = fieldOf(box);
  field.value = list.join(", ");
  touch(field);
  show(box);
  warn(field.form);
}

/** The line that says that the customer is left out stands as long as they are. */
function warn(form) {
  const line = form && $("[data-left-out]", form);
  if (!line) return;
  const named = $$("input[data-addresses]", form).flatMap((field) => parts(field.value));
  line.hidden = named.some((part) => read(part).address.toLowerCase() === line.dataset.leftOut.toLowerCase());
}

function add(box, text) {
  const typed = $(".chips-input", box);
  const known = parts(fieldOf(box).value);
  const has = (part) => known.some((each) => read(each).address.toLowerCase() === read(part).address.toLowerCase());
  set(box, [...known, ...parts(text).filter((part) => !has(part))]);
  typed.value = "";
  close(box);
}

let wanted = 0;

/** Takes the list away, and what is still asked for with it. */
function close(box) {
  wanted++;
  $(".chips-list", box)?.remove();
}

async function suggest(box) {
  const typed = $(".chips-input", box), q = typed.value.trim();
  if (q.length < 2) return close(box);
  const mine = ++wanted;
  await new Promise((done) => setTimeout(done, PACE));
  if (mine !== wanted) return;
  const response = await request(`/mail/addresses.json?q=${encodeURIComponent(q)}`).catch(() => undefined);
  const found = response?.ok ? await response.json() : [];
  if (mine !== wanted || !typed.isConnected) return;
  close(box);
  if (found.length === 0) return;
  const list = el("div", { class: "chips-list", role: "listbox", "aria-label": "Known addresses" });
  found.forEach((who, at) => {
    const option = el("div", { class: "menu-item", role: "option", "aria-selected": String(at === 0) }, el("span", {}, who.name || who.address), el("small", {}, who.name ? who.address : ""));
    option.words = write(who);
    // Not click: the field would lose the focus first.
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      add(box, option.words);
    });
    list.append(option);
  });
  box.append(list);
}

function key(event, box) {
  const { target } = event;
  const options = $$("[role=option]", box);
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (options.length === 0) return;
    event.preventDefault();
    const next = options[(at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length];
    options.forEach((option) => option.setAttribute("aria-selected", String(option === next)));
  } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (at >= 0) add(box, options[at].words);
    else if (target.value.trim()) add(box, target.value);
  } else if (event.key === "Tab" && at >= 0 && !event.shiftKey) {
    event.preventDefault();
    add(box, options[at].words);
  } else if ([",", ";"].includes(event.key) && target.value.includes("@")) {
    event.preventDefault();
    add(box, target.value);
  } else if (event.key === "Backspace" && target.value === "") {
    set(box, parts(fieldOf(box).value).slice(0, -1));
  } else if (event.key === "Escape" && options.length > 0) {
    event.stopPropagation();
    close(box);
  }
}

function build(field) {
  let box = field.nextElementSibling;
  if (!box?.matches(".chips")) {
    const label = $(`label[for="${field.id}"]`)?.textContent ?? "Recipients";
    const typed = el("input", { class: "chips-input", type: "text", autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-label": label, spellcheck: "false" });
    box = el("div", { class: "chips", "data-js": true }, typed);
    field.after(box);
    typed.addEventListener("input", (event) => {
      event.stopPropagation();
      suggest(box);
    });
    typed.addEventListener("keydown", (event) => key(event, box));
    typed.addEventListener("blur", () => {
      close(box);
      if (typed.value.trim()) add(box, typed.value);
    });
    typed.addEventListener("paste", (event) => {
      const text = event.clipboardData?.getData("text") ?? "";
      if (!text.includes("@")) return;
      event.preventDefault();
      add(box, text);
    });
    box.addEventListener("click", ({ target }) => target === box && typed.focus());
    if (document.activeElement === field) typed.focus();
    field.addEventListener("focus", () => typed.focus());
  }
  if (box.shown !== field.value) show(box);
}

const buildAll = () => $$("input[data-addresses]").forEach(build);

/** Begins, and goes on with every page that is shown. */
export function startAddresses() {
  buildAll();
  document.addEventListener("sportello:shown", buildAll);
  // What is still being typed is meant too.
  document.addEventListener("submit", () => $$(".chips").forEach((box) => $(".chips-input", box).value.trim() && add(box, $(".chips-input", box).value)), true);
}
