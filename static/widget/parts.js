// What every part of the frame is made of: its settings, words, elements and icons. No text ever becomes HTML.

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
  more: "M12 5h.01M12 12h.01M12 19h.01",
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

const LINK = /\bhttps?:\/\/[^\s<>"]+|\bwww\.[^\s<>"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;

/** A text as nodes, its addresses as links. */
export function linked(text) {
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
export function dialog(title, ...children) {
  const node = h("dialog", { class: "sheet", "aria-label": title, onclose: () => node.remove(), onclick: (event) => event.target === node && node.close() },
    h("div", { class: "sheet-in" }, h("h2", null, title), iconButton("close", t("cancel"), () => node.close()), ...children));
  document.body.append(node);
  node.showModal();
  return () => node.close();
}

// -- numbers, times, durations: as the visitor's own browser writes them, in the visitor's own zone --------------------------------------

const locale = navigator.languages.find((tag) => tag.slice(0, 2) === C.language) || C.language;
const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
const date = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const capital = (text) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
const names = new Intl.ListFormat(locale, { type: "conjunction" });

/** "14:05". */
export const time = (at) => clock.format(new Date(at));

/** Whole days from today. */
function days(at) {
  const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  return Math.round((midnight(at) - midnight(Date.now())) / 864e5);
}

/** "Today", "Yesterday", "Monday, 12 January". */
export const day = (at) => capital(days(at) > -2 ? relative.format(days(at), "day") : date.format(new Date(at)));

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

/** "2.4 MB". */
export function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, bytes / 1e3), "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** "Anna, Marco and Giulia". */
export const list = (people) => names.format(people);
