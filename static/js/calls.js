// Telephone calls: the cards in the corner come from the server and are read again when one changes (see app.js); here what was typed into
// them is kept, whatever page is shown meanwhile.

import { $, $$, el, refresh, refreshBar, request, touch } from "./alive.js";

// -- what was said -----------------------------------------------------------------------------------------------------

// By call, as long as it is not sent; in the tab's own storage, for a page may be loaded anew before the server has them.
const STORE = "sportello-calls";
const words = new Map(stored());
const timers = new Map();
const PACE = 800;

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE) ?? "[]");
  } catch {
    return [];
  }
}

function store() {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...words]));
  } catch {
    // Then only as long as the page stays.
  }
}

function save(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (words.has(id)) request(`/calls/${id}/draft`, { method: "POST", body: new URLSearchParams({ said: words.get(id) }), keepalive: true }).catch(() => {});
}

document.addEventListener("input", ({ target }) => {
  const id = target.dataset?.said;
  if (!id) return;
  words.set(id, target.value);
  store();
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(save, PACE, id));
});

document.addEventListener("submit", ({ target }) => {
  const id = target.dataset?.callLog;
  if (!id) return;
  clearTimeout(timers.get(id));
  timers.delete(id);
  words.delete(id);
  store();
});

document.addEventListener("sportello:unsent", ({ target }) => {
  const id = target.dataset?.callLog;
  if (!id) return;
  words.set(id, $("[data-said]", target).value);
  store();
});

addEventListener("pagehide", () => [...timers.keys()].forEach(save));

// Another page came with what the server knew a moment ago.
function restore() {
  for (const field of $$("[data-said]")) {
    const typed = words.get(field.dataset.said);
    if (typed === undefined || field.value === typed) continue;
    field.value = typed;
    touch(field);
  }
}

// -- what leaves by itself, and what calls for attention ---------------------------------------------------------------

let leaving;

function expire() {
  clearTimeout(leaving);
  const next = Math.min(...$$("#calls [data-gone]").map((card) => Date.parse(card.dataset.gone)));
  if (Number.isFinite(next)) leaving = setTimeout(refreshBar, Math.max(300, next - Date.now() + 300));
}

const notices = new Map();

function notify() {
  const ringing = $$("#calls .call--ringing");
  const ids = ringing.map((card) => card.dataset.call);
  for (const [id, notice] of notices) {
    if (ids.includes(id)) continue;
    notice.close();
    notices.delete(id);
  }
  if (!document.hidden || typeof Notification === "undefined" || !window.isSecureContext || Notification.permission !== "granted") return;
  for (const card of ringing) {
    const id = card.dataset.call;
    if (notices.has(id)) continue;
    try {
      const notice = new Notification(`${$("b", card).textContent} calls`, { body: $(".call-last", card)?.textContent ?? "", tag: `call-${id}` });
      notice.onclick = () => {
        focus();
        notice.close();
      };
      notices.set(id, notice);
    } catch {
      // Some browsers allow it to service workers only.
    }
  }
}

function tick() {
  for (const node of $$("time[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(node.dateTime)) / 1000));
    if (Number.isNaN(seconds)) continue;
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (node.textContent !== text) node.textContent = text;
  }
}

// -- writing a call down by hand ---------------------------------------------------------------------------------------

let asked;

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("[data-who]")) return;
  clearTimeout(asked);
  asked = setTimeout(async () => {
    const typed = target.value;
    if (typed.trim().length < 2 || /#\d+$/.test(typed)) return;
    try {
      const response = await request(`/calls/people.json?q=${encodeURIComponent(typed)}`);
      if (!response.ok || response.redirected || target.value !== typed) return;
      const people = await response.json();
      target.list?.replaceChildren(...people.map(({ value }) => el("option", { value })));
    } catch {
      // Only a help.
    }
  }, 150);
});

// Whoever is meant brings their tickets along.
document.addEventListener("change", ({ target }) => {
  const form = target.form;
  if (!form?.matches("[data-by-hand]") || !target.matches("[data-who], [name=person]")) return;
  const query = new URLSearchParams({ who: form.elements.who.value, person: form.elements.person?.value ?? "", direction: form.elements.direction.value });
  refresh(`/calls/new?${query}`);
});

// -- start -------------------------------------------------------------------------------------------------------------

function settle() {
  restore();
  expire();
  notify();
  tick();
}

/** Starts everything of this file; once per page. */
export function startCalls() {
  document.addEventListener("sportello:shown", settle);
  document.addEventListener("sportello:bar", settle);
  document.addEventListener("visibilitychange", notify);
  setInterval(tick, 1000);
  settle();
}
