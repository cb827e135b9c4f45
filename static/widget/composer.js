// Where the visitor writes: text, emoji, files by button, drop and paste.

import { C, h, icon, iconButton, size, sync, t } from "./parts.js";
import { Problem, backoff, store, upload } from "./desk.js";
import { previews, send, typing } from "./state.js";

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

export function composer() {
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
  function draft() {
    clearTimeout(saving);
    saving = setTimeout(() => store.set("draft", text.value || undefined), 200);
  }
  function pick(on) {
    smiles.hidden = !on;
    smile.setAttribute("aria-expanded", on);
    if (on) smiles.querySelector("[tabindex='0']").focus();
  }
  const ready = () => go.classList.toggle("on", !!(text.value.trim() || files.length));

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
    clearTimeout(saving);
    store.set("draft", undefined);
    typing("");
    grow();
    show();
    pick(false);
    text.focus();
  }

  return {
    node,
    add,
    grow,
    focus: () => text.focus(),
    /** What was typed elsewhere, or came back from the desk. */
    recall() { if (!text.value) { text.value = store.get("draft") || ""; grow(); ready(); } },
    /** The whole panel takes what is dropped. */
    drops(panel) {
      const over = (event) => event.dataTransfer?.types.includes("Files");
      panel.addEventListener("dragover", (event) => { if (over(event)) { event.preventDefault(); panel.classList.add("drop"); } });
      panel.addEventListener("dragleave", (event) => { if (!panel.contains(event.relatedTarget)) panel.classList.remove("drop"); });
      panel.addEventListener("drop", (event) => { if (over(event)) { event.preventDefault(); panel.classList.remove("drop"); add(event.dataTransfer.files); } });
    },
  };
}
