// The agent's hands: keys, composer, palette, dialogs, pictures. Starts the rest (alive.js). Every action here is also a plain link or
// form on the page.

import { $, $$, beacon, beforeSubmit, el, icon, main, refreshBar, refreshSoon, request, shows, start, toast, touch, visit } from "./alive.js";
import { accept, startChats } from "./chats.js";

// -- fuzzy matching ----------------------------------------------------------------------------------------------------

const WHOLE = 500;
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** How well the letters of `query` occur in `text` in order; 0 is no match. Words' beginnings and runs count more. */
function score(query, text) {
  const wanted = plain(query).replace(/\s+/g, "");
  const hay = plain(text);
  if (!wanted) return 1;
  const whole = hay.indexOf(plain(query).trim());
  if (whole >= 0) return WHOLE + 500 - Math.min(whole, 500) + (whole === 0 || /\W/.test(hay[whole - 1]) ? 500 : 0);
  let total = 0;
  let from = 0;
  for (const letter of wanted) {
    const at = hay.indexOf(letter, from);
    if (at < 0) return 0;
    total += at === from && from > 0 ? 4 : at === 0 || /\W/.test(hay[at - 1]) ? 3 : 1;
    from = at + 1;
  }
  return total;
}

/** The matching items, best first. Where some contain the words as they are, scattered letters are no match. */
function best(query, items, textOf) {
  const scored = items.map((item) => [score(query, textOf(item)), item]).filter(([points]) => points > 0);
  scored.sort((a, b) => b[0] - a[0]);
  const enough = query && scored[0]?.[0] >= WHOLE ? WHOLE : 0;
  return scored.filter(([points]) => points >= enough).map(([, item]) => item);
}

/** Moves aria-selected through `options` by `step` and returns the chosen one. */
function choose(options, step) {
  const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const next = options[(now + step + options.length) % options.length];
  options.forEach((option) => option.setAttribute("aria-selected", String(option === next)));
  next?.scrollIntoView({ block: "nearest" });
  return next;
}

// -- dialogs -----------------------------------------------------------------------------------------------------------

/** Opens a dialog made for this occasion; it is gone when closed. */
function open(dialog) {
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const closeButton = () => el("button", { type: "button", class: "button button--quiet button--icon", "aria-label": "Close", "data-close": true }, icon("x"));

// Capture, so that the question comes before the enhanced submission.
document.addEventListener(
  "submit",
  (event) => {
    const { target: form, submitter } = event;
    const question = submitter?.dataset.confirm ?? form.dataset.confirm;
    if (!question || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const yes = el("button", { type: "button", class: "button button--danger" }, submitter?.textContent.trim() || "Yes");
    const dialog = open(
      el("dialog", { class: "dialog", "aria-label": question }, el("p", {}, question), el("p", { class: "form-actions" }, yes, el("button", { type: "button", class: "button", "data-close": true }, "Cancel"))),
    );
    yes.addEventListener("click", () => {
      dialog.close();
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter);
      delete form.dataset.confirmed;
    });
  },
  true,
);

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-close]")) target.closest("dialog")?.close();
  const opener = target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  // A menu closes by a click elsewhere.
  for (const menu of $$("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  const picture = target.closest("a[data-lightbox]");
  if (picture && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const name = picture.dataset.lightbox;
    open(el("dialog", { class: "dialog lightbox", "aria-label": name }, el("img", { src: picture.href, alt: name }), el("p", {}, name)));
  }
  if (target.closest("[data-help]")) showKeys();
  const copy = target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText($(copy.dataset.copy)?.textContent.trim() ?? "").then(() => toast("Copied."));
  const insert = target.closest("[data-insert]");
  if (insert) insertVariable(insert.dataset.insert);
});

// -- keys --------------------------------------------------------------------------------------------------------------

const KEYS = [
  ["Next, previous ticket", "j", "k"],
  ["Open", "Enter"],
  ["Back to the list", "u"],
  ["New mail", "m"],
  ["Reply", "r"],
  ["Forward, or ask somebody", "f"],
  ["Internal note", "n"],
  ["Assign", "a"],
  ["Status", "s"],
  ["Tags", "t"],
  ["Snooze", "z"],
  ["Search", "/"],
  ["Accept the chat that rings", "c"],
  ["The same while writing", "Alt", "Enter"],
  ["Canned replies, while writing", "#"],
  ["Send", "Ctrl", "Enter"],
  ["Send and solve", "Ctrl", "Shift", "Enter"],
  ["In a chat: send, new line", "Enter", "Shift Enter"],
  ["All commands", "Ctrl", "K"],
  ["This help", "?"],
];

function showKeys() {
  const list = el("dl", { class: "keys" });
  for (const [what, ...keys] of KEYS) list.append(el("dt", {}, what), el("dd", {}, ...keys.map((key) => el("kbd", {}, key))));
  open(el("dialog", { class: "dialog", "aria-labelledby": "keys-title" }, el("div", { class: "dialog-head" }, el("h2", { id: "keys-title" }, "Keys"), closeButton()), list));
}

function moveInList(step) {
  const rows = $$("[data-list] [data-row]").filter((row) => row.checkVisibility?.() ?? true);
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row === document.activeElement);
  const from = at >= 0 ? at : rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, from < 0 ? 0 : from + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function openControl(key) {
  const control = $$(`[data-key="${key}"]`).find((each) => each.checkVisibility?.() ?? true);
  if (!control) return false;
  control.focus();
  if (control.tagName === "SUMMARY") {
    control.parentElement.open = true;
    $("input:not([type=hidden]), button, a", control.nextElementSibling ?? control.parentElement)?.focus();
  } else {
    try {
      control.showPicker();
    } catch {
      // Focus is enough where the browser has no picker to show.
    }
  }
  return true;
}

function write(note) {
  const form = $("[data-composer]", document.activeElement.closest("[data-chat]") ?? document) ?? $("[data-composer]");
  if (!form) return false;
  $(`[name=note][value="${note}"]`, form).click();
  $("[data-body]", form).focus();
  return true;
}

function search() {
  const field = $$("[data-search]").find((each) => each.checkVisibility?.() ?? true);
  if (!field) return openPalette(), true;
  field.focus();
  field.select();
  return true;
}

const PLAIN_KEYS = {
  j: () => (moveInList(1), true),
  k: () => (moveInList(-1), true),
  o: () => document.activeElement?.matches("[data-row]") && (document.activeElement.click(), true),
  u: () => $(".back") && ($(".back").click(), true),
  r: () => write(0),
  n: () => write(1),
  a: () => openControl("a"),
  s: () => openControl("s"),
  t: () => openControl("t"),
  z: () => openControl("z"),
  f: () => openControl("f"),
  m: () => $("[data-key=m]") && ($("[data-key=m]").click(), true),
  c: accept,
  "/": search,
  "?": () => (showKeys(), true),
};

const isField = (node) => node?.matches?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "k" && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    return openPalette();
  }
  if (control && event.key === "Enter" && event.target.form) {
    event.preventDefault();
    return send(event.target.form, event.shiftKey);
  }
  if (event.key === "Escape") return escape(event);
  if (control || event.altKey || isField(event.target) || $("dialog[open]")) return;
  if (PLAIN_KEYS[event.key]?.()) event.preventDefault();
});

function escape({ target }) {
  const menu = target.closest?.("details.menu[open]");
  if (menu) {
    menu.open = false;
    $("summary", menu).focus();
  } else if (location.hash === "#customer") location.hash = "conversation";
  else if (isField(target) && !target.closest("dialog")) target.blur();
}

function send(form, solve) {
  if (!form.matches("[data-composer]")) return form.requestSubmit();
  const note = $("[name=note]:checked", form)?.value === "1";
  const button = $(`[name=then][value=${note ? "note" : solve ? "solve" : "send"}]`, form);
  // In a chat nothing is solved by sending.
  form.requestSubmit(button ?? $("[name=then]", form));
}

// -- the palette -------------------------------------------------------------------------------------------------------

/** Everything on the page that is marked data-command: links and buttons as they are, a select as one command per option. */
function commands() {
  const found = [];
  const seen = new Set();
  const add = (text, run) => {
    if (seen.has(text)) return;
    seen.add(text);
    found.push({ text, run });
  };
  for (const node of $$("[data-command]")) {
    const name = node.dataset.command;
    if (node.tagName === "SELECT") {
      for (const option of node.options) {
        add(`${name}: ${option.text}`, () => {
          node.value = option.value;
          node.dispatchEvent(new Event("input", { bubbles: true }));
          node.dispatchEvent(new Event("change", { bubbles: true }));
        });
      }
    } else add(name || node.textContent.trim(), () => node.click());
  }
  for (const box of $$("#tags-menu [type=checkbox]")) {
    add(`${box.checked ? "Remove tag" : "Tag"}: ${box.parentElement.textContent.trim()}`, () => {
      box.checked = !box.checked;
      box.form.requestSubmit();
    });
  }
  if ($("[data-composer]")) {
    add("Reply", () => write(0));
    add("Write an internal note", () => write(1));
  }
  add("Show all keys", showKeys);
  return found;
}

function openPalette() {
  if ($("#palette")) return $("#palette").close();
  const all = commands();
  const list = el("div", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": "Commands" });
  const input = el("input", { class: "palette-input", type: "text", placeholder: "Type a command or search", "aria-label": "Type a command or search", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", autocomplete: "off", spellcheck: "false" });
  const dialog = el("dialog", { class: "dialog palette", id: "palette", "aria-label": "Commands" }, input, list);
  const run = (command) => {
    dialog.close();
    command.run();
  };
  const render = () => {
    const query = input.value.trim();
    const found = best(query, all, (command) => command.text).slice(0, 50);
    const url = document.body.dataset.searchUrl ?? "/search";
    if (query) found.push({ text: `Search tickets for “${query}”`, run: () => visit(`${url}?q=${encodeURIComponent(query)}`) });
    list.replaceChildren(
      ...found.map((command, index) => {
        const [group, rest] = command.text.includes(": ") ? command.text.split(/: (.*)/s) : ["", command.text];
        return el(
          "div",
          { class: "menu-item", role: "option", id: `command-${index}`, "aria-selected": String(index === 0), onclick: () => run(command) },
          ...(group ? [el("span", { class: "palette-group" }, `${group}:`)] : []),
          rest,
        );
      }),
    );
    input.setAttribute("aria-activedescendant", found.length ? "command-0" : "");
    dialog.found = found;
  };
  input.addEventListener("input", render);
  input.addEventListener("keydown", (event) => {
    const options = [...list.children];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const chosen = choose(options, event.key === "ArrowDown" ? 1 : -1);
      if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
      if (at >= 0) run(dialog.found[at]);
    }
  });
  render();
  open(dialog);
  input.focus();
}

// -- the composer: drafts ----------------------------------------------------------------------------------------------

const DRAFT_PACE = 600;
const DRAFT_RETRY = 5000;
// Of the ticket that is being written in: { ticket, fields, timer, saving }
let draft;

const draftMark = (ticket, text) => {
  const mark = $(`[data-composer][data-ticket="${ticket}"] [data-draft]`);
  if (mark) mark.textContent = text;
};

function draftChanged(form) {
  const { ticket } = form.dataset;
  const fields = { body: $("[data-body]", form).value, note: $("[name=note]:checked", form)?.value ?? "0" };
  if (draft && (draft.ticket !== ticket || draft.fields.note !== fields.note)) flushDraft();
  clearTimeout(draft?.timer);
  draft = { ticket, fields, saving: draft?.saving, timer: setTimeout(saveDraft, DRAFT_PACE) };
  draftMark(ticket, "");
}

/** Reply and note are two texts in one field: keeps the one and shows the other. */
function switchDraft(form) {
  const field = $("[data-body]", form);
  const note = $("[name=note]:checked", form).value === "1";
  const [left, shown] = note ? ["reply", "note"] : ["note", "reply"];
  field.dataset[left] = field.value;
  field.value = field.dataset[shown] ?? "";
  field.placeholder = note ? "Write a note for your team." : field.dataset.hint ?? "Write your answer. Type # for canned replies.";
  touch(field);
  grow(field);
  // What was typed last on the other side is saved now, under its own name.
  flushDraft();
  closeCanned();
}

async function saveDraft() {
  const mine = draft;
  if (!mine) return;
  clearTimeout(mine.timer);
  // One save at a time, or an older text could arrive last.
  await mine.saving;
  if (draft !== mine) return;
  mine.saving = request(`/tickets/${mine.ticket}/draft`, { method: "POST", body: new URLSearchParams(mine.fields) }).then(
    (response) => response.ok,
    () => false,
  );
  const saved = await mine.saving;
  if (draft !== mine) return;
  if (saved) {
    draft = undefined;
    draftMark(mine.ticket, "Saved");
  } else {
    draftMark(mine.ticket, "Not saved yet: no connection");
    mine.timer = setTimeout(saveDraft, DRAFT_RETRY);
  }
}

function flushDraft() {
  if (!draft) return;
  clearTimeout(draft.timer);
  beacon(`/tickets/${draft.ticket}/draft`, draft.fields);
  draft = undefined;
}

// -- the composer: files -----------------------------------------------------------------------------------------------

const uploading = new Set();
const size = (bytes) => (bytes < 1e3 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(Math.floor(bytes / 1e5) / 10).toFixed(1)} MB`);

function fileChip(name, bytes) {
  return el(
    "li",
    { class: "file" },
    icon("file-text"),
    el("span", { class: "file-name" }, name),
    el("span", { class: "file-size" }, size(bytes)),
    el("button", { type: "button", "aria-label": `Remove ${name}`, "data-remove": true }, icon("x")),
  );
}

async function upload(form, file, within) {
  const list = $("[data-uploads]", form);
  const chip = fileChip(file.name || "picture.png", file.size);
  chip.classList.add("file--busy");
  touch(list);
  list.append(chip);
  const body = new FormData();
  body.append("file", file, file.name || "picture.png");
  try {
    const response = await request(`/tickets/${form.dataset.ticket}/uploads`, { method: "POST", body });
    const answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : {};
    if (!response.ok) throw new Error(answer.error ?? "The server did not take this file.");
    chip.append(el("input", { type: "hidden", name: "upload", value: answer.id }));
    chip.classList.remove("file--busy");
    if (within && answer.mark && "pictures" in form.dataset && $("[name=note]:checked", form)?.value !== "1") {
      // A picture that is pasted or dropped is meant to be seen where the caret stands.
      chip.dataset.picture = answer.mark;
      const field = $("[data-body]", form), at = field.selectionStart;
      insertText(field, at, field.selectionEnd, `${at > 0 && field.value[at - 1] !== "\n" ? "\n" : ""}${answer.mark}\n`);
    }
  } catch (error) {
    chip.classList.replace("file--busy", "file--bad");
    const reason = error instanceof TypeError ? "No connection." : error.message;
    toast(`${file.name} was not attached. ${reason}`, { over: true });
  }
}

function attach(form, files, within = false) {
  for (const file of files) {
    const work = upload(form, file, within).finally(() => uploading.delete(work));
    uploading.add(work);
  }
}

function removeFile(button) {
  const chip = button.closest("li");
  const id = $("[name=upload]", chip)?.value;
  const form = chip.closest("form");
  const mark = chip.dataset.picture, field = $("[data-body]", form);
  if (mark && field.value.includes(mark)) {
    const at = field.value.indexOf(mark);
    insertText(field, at, at + mark.length + (field.value[at + mark.length] === "\n" ? 1 : 0), "");
  }
  touch(chip.parentElement);
  chip.remove();
  if (id) request(`/tickets/${form.dataset.ticket}/uploads/${id}/delete`, { method: "POST" }).catch(() => {});
}

const composerAt = (target) => target.closest?.("[data-composer]");

document.addEventListener("click", ({ target }) => target.closest("[data-remove]") && removeFile(target.closest("[data-remove]")));
document.addEventListener("dragover", (event) => {
  const form = composerAt(event.target);
  if (!form || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  form.classList.add("composer--drop");
});
document.addEventListener("dragleave", ({ target, relatedTarget }) => {
  const form = composerAt(target);
  if (form && !form.contains(relatedTarget)) form.classList.remove("composer--drop");
});
document.addEventListener("drop", (event) => {
  const form = composerAt(event.target);
  if (!form || event.dataTransfer.files.length === 0) return;
  event.preventDefault();
  form.classList.remove("composer--drop");
  attach(form, event.dataTransfer.files, true);
});
document.addEventListener("paste", (event) => {
  const form = composerAt(event.target);
  const files = event.clipboardData?.files;
  if (!form || !files?.length) return;
  event.preventDefault();
  attach(form, files, true);
});

// -- the composer: canned replies --------------------------------------------------------------------------------------

const TOKEN = /(^|\s)#([^\s#]{0,40})$/;
const canned = new Map();

async function cannedFor(ticket) {
  if (!canned.has(ticket)) {
    const wanted = request(`/tickets/${ticket}/canned.json?q=`).then((response) => (response.ok ? response.json() : []));
    canned.set(ticket, wanted);
    // A failure is not remembered: the next # tries again.
    wanted.catch(() => canned.delete(ticket));
  }
  return canned.get(ticket).catch(() => []);
}

const closeCanned = () => {
  $("#canned")?.remove();
  for (const field of $$("[data-body]")) field.removeAttribute("aria-activedescendant");
};

async function suggest(field) {
  const form = field.form;
  const match = TOKEN.exec(field.value.slice(0, field.selectionStart));
  if (!match) return closeCanned();
  const replies = await cannedFor(form.dataset.ticket);
  // The agent may have typed on meanwhile.
  const token = TOKEN.exec(field.value.slice(0, field.selectionStart));
  if (!token || !field.isConnected) return closeCanned();
  const found = best(token[2], replies, (reply) => `${reply.shortcut} ${reply.name} ${reply.folder}`).slice(0, 30);
  const preview = el("div", { class: "canned-preview" }, found[0]?.body ?? "");
  const list = el("div", { class: "canned-list", role: "listbox", id: "canned-list", "aria-label": "Canned replies" });
  found.forEach((reply, index) => {
    const option = el(
      "div",
      { class: "menu-item", role: "option", id: `canned-${index}`, "aria-selected": String(index === 0) },
      el("span", {}, reply.name),
      el("small", {}, [`#${reply.shortcut}`, reply.folder, reply.language].filter(Boolean).join(" · ")),
    );
    // Not click: the field would lose its caret first.
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      insertCanned(field, reply);
    });
    list.append(option);
  });
  if (found.length === 0) list.append(el("p", { class: "canned-none" }, replies.length ? "No canned reply matches." : "There are no canned replies yet."));
  const popup = el("div", { class: "canned", id: "canned", "data-js": true }, list, preview);
  popup.found = found;
  $("#canned")?.remove();
  form.append(popup);
  field.setAttribute("aria-controls", "canned-list");
  field.setAttribute("aria-activedescendant", found.length ? "canned-0" : "");
}

function insertText(field, from, to, text) {
  field.focus();
  field.setSelectionRange(from, to);
  // The old command keeps the browser's own undo; setRangeText does not.
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function insertCanned(field, reply) {
  const caret = field.selectionStart;
  const token = TOKEN.exec(field.value.slice(0, caret));
  insertText(field, token ? caret - token[2].length - 1 : caret, caret, reply.body);
  const list = $("[data-uploads]", field.form);
  touch(list);
  list.append(el("li", { hidden: true }, el("input", { type: "hidden", name: "canned", value: reply.id })));
  for (const file of reply.files ?? []) {
    const chip = fileChip(file.name, file.size ?? 0);
    chip.append(el("input", { type: "hidden", name: "canned_file", value: file.id }));
    list.append(chip);
  }
  closeCanned();
}

// Enter in To or Cc is not meant to send.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches(":is([data-composer], .mail-form, .side-composer) input:not([type=file])")) event.preventDefault();
});

function cannedKey(event) {
  const popup = $("#canned");
  if (!popup || !event.target.matches("[data-body]")) return;
  const options = $$("[role=option]", popup);
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const chosen = choose(options, event.key === "ArrowDown" ? 1 : -1);
    if (!chosen) return;
    event.target.setAttribute("aria-activedescendant", chosen.id);
    $(".canned-preview", popup).textContent = popup.found[options.indexOf(chosen)].body;
  } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    insertCanned(event.target, popup.found[at]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    closeCanned();
  }
}

// -- the composer: wiring ----------------------------------------------------------------------------------------------

// Where CSS cannot size a text field by its content.
const grow = (field) => {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
};

// How X weighs a text: the rules of twitter-text, as src/text/weights.rs has them.
const TOP_LEVEL = new Set("ac|ad|ae|af|ag|ai|al|am|ao|aq|ar|as|at|au|aw|ax|az|ba|bb|bd|be|bf|bg|bh|bi|bj|bl|bm|bn|bo|bq|br|bs|bt|bv|bw|by|bz|ca|cc|cd|cf|cg|ch|ci|ck|cl|cm|cn|co|cr|cu|cv|cw|cx|cy|cz|de|dj|dk|dm|do|dz|ec|ee|eg|eh|er|es|et|eu|fi|fj|fk|fm|fo|fr|ga|gb|gd|ge|gf|gg|gh|gi|gl|gm|gn|gp|gq|gr|gs|gt|gu|gw|gy|hk|hm|hn|hr|ht|hu|id|ie|il|im|in|io|iq|ir|is|it|je|jm|jo|jp|ke|kg|kh|ki|km|kn|kp|kr|kw|ky|kz|la|lb|lc|li|lk|lr|ls|lt|lu|lv|ly|ma|mc|md|me|mf|mg|mh|mk|ml|mm|mn|mo|mp|mq|mr|ms|mt|mu|mv|mw|mx|my|mz|na|nc|ne|nf|ng|ni|nl|no|np|nr|nu|nz|om|pa|pe|pf|pg|ph|pk|pl|pm|pn|pr|ps|pt|pw|py|qa|re|ro|rs|ru|rw|sa|sb|sc|sd|se|sg|sh|si|sj|sk|sl|sm|sn|so|sr|ss|st|su|sv|sx|sy|sz|tc|td|tf|tg|th|tj|tk|tl|tm|tn|to|tp|tr|tt|tv|tw|tz|ua|ug|uk|um|us|uy|uz|va|vc|ve|vg|vi|vn|vu|wf|ws|ye|yt|za|zm|zw|com|org|net|edu|gov|int|mil|info|biz|name|pro|mobi|asia|travel|museum|aero|coop|app|art|beer|blog|boutique|business|cafe|care|center|city|cloud|club|company|cool|design|dev|digital|email|events|express|family|fashion|fit|food|fun|gallery|gift|global|group|guide|health|help|home|hotel|house|jewelry|life|live|love|ltd|market|media|menu|moda|network|news|one|online|page|photo|photography|pizza|plus|press|restaurant|sale|school|services|shoes|shop|shopping|site|social|solutions|space|store|studio|style|support|systems|team|tech|tips|today|tools|top|tours|toys|vip|watch|website|wiki|wine|work|works|world|xyz|yoga|zone|berlin|hamburg|koeln|london|paris|nyc|tokyo|wien|swiss|cat|bzh|eus|gal|scot".split("|"));
const LINKS = (() => {
  const inPath = "a-z0-9!*';:=+,.$/%#\\[\\]\\-–_~@|&\u00c0-\u024f\u0400-\u04ff", pathEnd = "+\\-a-z0-9=_#/\u00c0-\u024f\u0400-\u04ff";
  const letter = "[a-z0-9\u00c0-\u024f]", end = "|xn--[a-z0-9-]+)";
  return new RegExp(`(?:(https?://)(?:[\\p{L}\\p{N}](?:[\\p{L}\\p{N}_\\-]*[\\p{L}\\p{N}])?\\.)+(\\p{L}{2,63}${end}|(?:${letter}(?:[a-z0-9_\u00c0-\u024f\\-]*${letter})?\\.)+([a-z]{2,63}${end})`
    + `((?::[0-9]+)?(?:/(?:(?:[${inPath}]|\\([${inPath}]*\\))*(?:[${pathEnd}]|\\([${inPath}]*\\)))?)?(?:\\?[a-z0-9!?*'@();:&=+$/%#\\[\\]\\-_.,~|]*[a-z0-9\\-_&=#/])?)`, "giu");
})();
const EMOJI = /\p{RI}\p{RI}|[0-9#*]\ufe0f?\u20e3|(?![©®])\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:[\u{e0020}-\u{e007e}]+\u{e007f})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*/gu;
function weigh(text) {
  let links = 0;
  const words = text.normalize("NFC").replace(LINKS, (link, spelled, name, bare, behind, at, all) => {
    // What stands before may make it part of a longer word, a mention or a hashtag.
    const free = !/[A-Za-z0-9@＠$#＃]$/.test(all.slice(0, at)) && (spelled || !/[-_./]$/.test(all.slice(0, at)));
    const after = all.slice(at + link.length - behind.length)[0] ?? " ", end = (name ?? bare).toLowerCase();
    if (!free || (!behind && /[0-9A-Za-z@+-]/.test(after)) || !(spelled || end.startsWith("xn--") || TOP_LEVEL.has(end))) return link;
    links += 23;
    return "";
  }).replace(EMOJI, () => { links += 2; return ""; });
  return [...words].reduce((sum, c) => {
    const n = c.codePointAt(0);
    return sum + (n <= 4351 || (n >= 8192 && n <= 8205) || (n >= 8208 && n <= 8223) || (n >= 8242 && n <= 8247) ? 1 : 2);
  }, links);
}

// How long the text is, as the network counts that it goes to (src/desk/networks/abilities.rs).
const COUNTS = {
  characters: (text) => [...text].length,
  bytes: (text) => new TextEncoder().encode(text).length,
  utf16: (text) => text.length,
  weighted: weigh,
};
function count(form) {
  const place = $("[data-count]", form), way = $("[data-way]", form)?.selectedOptions[0];
  if (!place) return;
  const max = Number(way?.dataset.limit), is = max && COUNTS[way.dataset.unit]($("[data-body]", form).value.trim());
  const over = is > max, messages = over && "splits" in way.dataset ? Math.ceil(is / max) : 1;
  place.textContent = !max || is < max * 0.7 ? "" : messages > 1 ? `Becomes ${messages} messages` : `${is} of ${max}`;
  place.classList.toggle("typed-count--over", !!over && messages === 1);
}

// Which one message is answered.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-answer]"), place = $("[data-answers]");
  if (!opener || !place) return;
  event.preventDefault();
  $("[name=answers]", place).value = opener.dataset.answer;
  $("[data-answers-words]", place).textContent = opener.dataset.answerWords ?? "";
  place.hidden = !opener.dataset.answer;
  touch(place);
  const form = place.closest("form"), reply = $("[name=note][value='0']", form);
  if (!reply.checked) reply.click();
  $("[data-body]", form).focus();
});

document.addEventListener("keydown", cannedKey, true);
document.addEventListener("input", ({ target }) => {
  const form = composerAt(target);
  if (!form) return;
  if (target.matches("[data-body]")) {
    grow(target);
    suggest(target);
    count(form);
  }
  if (target.matches("[data-way]")) count(form);
  if (target.matches("[data-body]")) draftChanged(form);
  if (target.matches("[name=note]")) switchDraft(form);
});
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-files]")) return;
  attach(target.form, [...target.files]);
  // They are uploaded already and must not be sent a second time.
  target.value = "";
});
document.addEventListener("focusout", ({ target }) => target.matches("[data-body]") && setTimeout(() => document.activeElement !== target && closeCanned(), 100));
document.addEventListener("click", (event) => {
  const opener = event.target.closest("a[data-canned]");
  if (!opener) return;
  event.preventDefault();
  const field = $("[data-body]", opener.closest("form"));
  const gap = field.selectionStart > 0 && !/\s/.test(field.value[field.selectionStart - 1]) ? " " : "";
  insertText(field, field.selectionStart, field.selectionStart, `${gap}#`);
});

beforeSubmit(async (form) => {
  if (!form.matches("[data-composer]")) return;
  closeCanned();
  await Promise.all(uploading);
  // A draft that arrives after the reply would come back from the dead.
  clearTimeout(draft?.timer);
  const { saving } = draft ?? {};
  draft = undefined;
  await saving;
});

// Sending failed: from here on the words are a draft again.
document.addEventListener("sportello:unsent", ({ target }) => target.matches("[data-composer]") && draftChanged(target));

document.addEventListener("sportello:shown", ({ detail }) => {
  if (!detail.samePage) flushDraft();
  $$("[data-body]").forEach(grow);
  $$("[data-composer]").forEach(count);
});
addEventListener("pagehide", flushDraft);
document.addEventListener("visibilitychange", () => document.hidden && draft && saveDraft());

// -- editors: variables and live preview -------------------------------------------------------------------------------

// A canned reply's editor: <textarea data-preview="#id"> with the samples as JSON in <script type="application/json" id="samples">.
function preview(field) {
  const place = $(field.dataset.preview);
  const samples = JSON.parse($("#samples")?.textContent ?? "{}");
  if (place) place.textContent = field.value.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole, name) => samples[name] ?? whole);
}

let lastEditor;
document.addEventListener("focusin", ({ target }) => target.matches("[data-preview]") && (lastEditor = target));
document.addEventListener("input", ({ target }) => target.matches?.("[data-preview]") && preview(target));

function insertVariable(name) {
  const shown = (field) => field?.isConnected && (field.checkVisibility?.() ?? true);
  const field = shown(lastEditor) ? lastEditor : $$("[data-preview]").find(shown);
  if (!field) return;
  // Never touched, its caret stands at the beginning, where nobody wants the word.
  const [from, to] = field === lastEditor ? [field.selectionStart, field.selectionEnd] : [field.value.length, field.value.length];
  insertText(field, from, to, `{{${name}}}`);
}

// What few screens need is fetched once it is seen: a screen's first visit has eight requests.
const rest = [
  { seen: () => $$("input[data-addresses]").some((field) => field.checkVisibility?.() ?? true), url: "./addresses.js", begin: ({ startAddresses }) => startAddresses() },
  { seen: () => $("[data-call], [data-said], [data-by-hand]"), url: "./calls.js", begin: ({ startCalls }) => startCalls() },
];

function fetchWhatIsSeen() {
  for (const part of rest) {
    if (part.fetched || !part.seen()) continue;
    // Some browsers remember that a module did not come.
    const again = part.failures ? `?${part.failures}` : "";
    part.fetched = true;
    import(part.url + again).then(part.begin, (error) => {
      console.warn(error);
      part.failures = (part.failures ?? 0) + 1;
      setTimeout(() => {
        part.fetched = false;
        fetchWhatIsSeen();
      }, Math.min(60, 2 ** part.failures) * 1000);
    });
  }
}
document.addEventListener("toggle", fetchWhatIsSeen, true);
for (const name of ["shown", "bar"]) document.addEventListener(`sportello:${name}`, fetchWhatIsSeen);

document.addEventListener("sportello:heard", ({ detail: { name } }) => {
  if (name !== "phone" && name !== "resync") return;
  if (shows("phone")) refreshSoon();
  else refreshBar();
});

start();
startChats();
fetchWhatIsSeen();
if (main()) $$("[data-body]").forEach(grow);
$$("[data-composer]").forEach(count);
