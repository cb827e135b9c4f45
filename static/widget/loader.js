// Sportello's chat on a shop's page: a button and, once it is pressed, a frame of the desk. The server puts the channel's settings in
// place of CONFIG. No cookie, no style of the page touched, nothing built from text as HTML, nothing secret kept here.
(() => {
  "use strict";
  const C = CONFIG;
  const w = window, d = document;
  const early = w.Sportello || [];
  // The tag may stand twice on a page.
  if (!Array.isArray(early)) return;

  const language = [d.documentElement.lang, ...navigator.languages].map((tag) => tag.slice(0, 2).toLowerCase())
    .find((code) => C.labels[code]) || C.languages[0];
  const T = C.labels[language];
  const NAME = "sportello-" + C.key;
  const phone = w.matchMedia("(max-width:480px),(max-height:440px)");
  let opened = false, unread = 0, iframe, port, identity, context = {}, greeting, asking, told;

  // The browser keeps that a chat is going on and which greetings were shown on which day; the tab, that the panel is open.
  const recall = (where = "localStorage") => { try { return JSON.parse(w[where][NAME]); } catch { return {}; } };
  const remember = (change, where = "localStorage") => { try { w[where][NAME] = JSON.stringify({ ...recall(where), ...change }); } catch {} };

  // -- what is seen: in a closed shadow root, with a constructed sheet, which a strict style-src allows ------------------------------
  const [r, g, b] = [1, 3, 5].map((at) => { const v = parseInt(C.accent.slice(at, at + 2), 16) / 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
  const ink = .2126 * r + .7152 * g + .0722 * b < .183 ? "#fff" : "#17181a";
  const side = C.position === "left" ? "left" : "right";
  const edge = (where, px) => `${where}:calc(${px}px + env(safe-area-inset-${where},0px))`;
  const CSS = `
:host{all:initial!important;position:fixed!important;z-index:2147483000!important;color-scheme:light dark!important}
*{box-sizing:border-box;font:15px/22px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
button{all:unset;box-sizing:border-box;cursor:pointer;-webkit-tap-highlight-color:transparent}
button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #1b1c1e!important}
svg{width:26px;height:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.go{position:fixed;${edge("bottom", 20)};${edge(side, 20)};display:grid;place-items:center;width:56px;height:56px;border-radius:50%;color:${ink};background:${C.accent};box-shadow:0 0 0 1px #fff3,0 8px 28px #0004;transition:transform .15s}
.go:hover{transform:scale(1.06)}
.go svg{grid-area:1/1;transition:opacity .15s,transform .15s}
svg+svg,.open .go svg{opacity:0;transform:rotate(-40deg) scale(.6)}
.open .go svg+svg{opacity:1;transform:none}
.n{position:absolute;top:-4px;right:-4px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;color:#fff;background:#c3261f;box-shadow:0 0 0 2px #fff;font-size:13px;font-weight:700;text-align:center}
.n:empty,.open .n,.open .hi,.hi:empty{display:none}
.box{position:fixed;${edge("bottom", 92)};${edge(side, 20)};width:400px;max-width:calc(100vw - 40px);height:calc(100vh - 112px);max-height:720px;overflow:hidden;border-radius:16px;background:#fff;box-shadow:0 0 0 1px #0001,0 24px 64px #0004;visibility:hidden;opacity:0;transform:translateY(12px);transition:opacity .16s,transform .16s,visibility 0s .16s}
.open .box{visibility:visible;opacity:1;transform:none;transition-delay:0s}
.large .go{display:none}.large .box{width:auto;max-width:none;inset:20px;height:auto;max-height:none}
iframe{display:block;width:100%;height:100%;border:0;opacity:0}.up iframe{opacity:1}
.hi{position:fixed;${edge("bottom", 90)};${edge(side, 20)};display:flex;align-items:flex-start;width:max-content;max-width:min(320px,calc(100vw - 40px));border-radius:16px;color:#17181a;background:#fff;box-shadow:0 0 0 1px #0001,0 8px 28px #0004;animation:up .18s}
.hi button{padding:14px;border-radius:16px;overflow-wrap:anywhere}
.hi svg{width:18px;height:18px}
@keyframes up{from{opacity:0;transform:translateY(8px)}}
@media(prefers-color-scheme:dark){.box{background:#1b1c1f;box-shadow:0 0 0 1px #fff2,0 24px 64px #000a}.hi{color:#eeeeef;background:#26282c;box-shadow:0 0 0 1px #fff2,0 8px 28px #000a}}
@media ${phone.media}{.box{inset:0!important;width:100%;max-width:none;height:100%;max-height:none;border-radius:0}.up.open .go{display:none}}
@media(prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
@media(forced-colors:active){.go,.hi,.box{border:2px solid}}
@media print{:host{display:none!important}}`;

  const add = (parent, tag, attributes = {}, text = "") => {
    const node = tag === "svg" || tag === "path" ? d.createElementNS("http://www.w3.org/2000/svg", tag) : d.createElement(tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    if (text) node.textContent = text;
    return parent.appendChild(node);
  };
  const icon = (parent, path) => add(add(parent, "svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }), "path", { d: path });

  const host = d.createElement("sportello-chat");
  const root = host.attachShadow({ mode: "closed" });
  // Browsers before 2023 have no such sheets.
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
  } catch { add(root, "style", {}, CSS); }
  const all = add(root, "div", { lang: language });
  const hi = add(all, "div", { class: "hi", role: "status" });
  const box = add(all, "div", { class: "box", role: "dialog", "aria-label": T.open });
  const go = add(all, "button", { type: "button", class: "go", "aria-expanded": "false" });
  icon(go, "M7.9 20A9 9 0 1 0 4 16.1L2 22Z");
  icon(go, "m6 9 6 6 6-6");
  const count = add(go, "span", { class: "n", "aria-hidden": "true" });
  const label = () => {
    count.textContent = unread > 99 ? "99+" : unread || "";
    go.setAttribute("aria-label", opened ? T.close : unread ? T.unread.replace("{count}", unread) : T.open);
  };
  label();
  go.onclick = () => api.toggle();
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && (opened || hi.firstChild)) { opened ? api.close() : hush(); event.stopPropagation(); } });

  // -- the shop's events -----------------------------------------------------------------------------------------------------------
  const ears = {};
  let ready = false;
  const emit = (event, data) => ears[event]?.forEach((fn) => queueMicrotask(() => fn(data)));

  // -- the page, read only when the frame is told ------------------------------------------------------------------------------------
  const whole = (url) => { try { return url && new URL(url, location).href; } catch {} };
  const cost = (price, currency = "") => price == null ? price : (price + " " + currency).trim();
  function product() {
    const meta = (name) => d.querySelector(`meta[property="${name}"]`)?.content;
    // What is wrong in it is the shop's own mistake.
    for (const script of d.querySelectorAll('script[type="application/ld+json"]')) try {
      const data = JSON.parse(script.textContent);
      const p = [data["@graph"] || data].flat().find((thing) => [thing["@type"]].flat().includes("Product"));
      if (!p) continue;
      const offer = [p.offers].flat()[0] || {}, image = [p.image].flat()[0];
      return { name: p.name, price: cost(offer.price ?? offer.lowPrice, offer.priceCurrency), image: whole(image?.url || image), url: whole(p.url) };
    } catch {}
    if (/product/.test(meta("og:type"))) return { name: meta("og:title"), price: cost(meta("product:price:amount"), meta("product:price:currency")), image: meta("og:image"), url: meta("og:url") };
  }
  const page = () => ({ url: told = location.href, title: d.title, referrer: d.referrer || undefined, product: product() });

  // Pages that change without loading: no method of theirs is patched, the address is compared when something may have changed it, and
  // a moment later, since the title follows the address.
  let since = Date.now();
  const look = () => setTimeout(() => {
    if (told === location.href) return;
    told = location.href;
    since = Date.now();
    tell("page", port && page());
    watch();
  }, 300);
  for (const name of ["popstate", "hashchange", "click", "focusin"]) w.addEventListener(name, look, { passive: true, capture: true });
  w.navigation?.addEventListener("currententrychange", look);

  // -- the frame: a port that only the desk's own document gets -----------------------------------------------------------------------
  const tell = (...message) => port?.postMessage(message);
  function frame(pause = 8000) {
    iframe ||= add(box, "iframe", { title: T.open, src: `${C.origin}/chat/${C.key}/frame?lang=${language}` });
    // Without a network the browser shows its own page there, which never answers.
    setTimeout(() => { if (!port) { iframe.src = iframe.src; frame(pause * 2); } }, pause);
  }
  w.addEventListener("message", (event) => {
    if (!iframe || event.source !== iframe.contentWindow || event.origin !== C.origin || event.data !== "sportello") return;
    const channel = new MessageChannel();
    port = channel.port1;
    all.classList.add("up");
    port.onmessage = ({ data: [name, value] }) => hear[name]?.(value);
    event.source.postMessage({ sportello: { open: opened, page: page(), context, identity, greeting, ask: !!asking } }, C.origin, [channel.port2]);
  });
  const hear = {
    close: () => api.close(),
    large: (on) => all.classList.toggle("large", on),
    chat: (on) => { if (!!recall().chat !== on) remember({ chat: on }); },
    message: (data) => emit("message", data),
    unread: (n) => { if (n !== unread) { unread = n; label(); emit("unread", n); } },
    available: (yes) => {
      const rule = asking;
      asking = null;
      if (!rule || !yes || opened || unread) return;
      if (rule.id) remember({ greeted: { ...recall().greeted, [rule.id]: new Date().toDateString() } });
      hush();
      add(hi, "button", { type: "button" }, rule.words).onclick = () => { greeting = rule.words; tell("greet", greeting); api.open(); };
      const no = add(hi, "button", { type: "button", "aria-label": T.close });
      icon(no, "M18 6 6 18M6 6l12 12");
      no.onclick = hush;
    },
  };
  const hush = () => hi.replaceChildren();

  // -- greetings: only when somebody is there to answer, which the frame finds out ------------------------------------------------------
  let timers = [];
  const fits = (pattern) => !pattern || (pattern.includes("*")
    ? new RegExp("^" + pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*") + "$").test(location.href)
    : location.href.includes(pattern));
  function watch() {
    timers.forEach(clearTimeout);
    timers = (C.greetings || []).filter((rule) => fits(rule.url))
      .map((rule) => setTimeout(consider, Math.max(0, since + (rule.seconds || 0) * 1000 - Date.now()), rule));
  }
  function consider(rule) {
    const kept = recall();
    rule.words = rule.text[language] || Object.values(rule.text)[0];
    if (opened || asking || hi.firstChild || kept.chat || !rule.words || kept.greeted?.[rule.id] === new Date().toDateString()) return;
    if (rule.min_cart && !(Number(context.cart_total ?? context.cart) >= rule.min_cart)) return;
    if (d.hidden) { d.addEventListener("visibilitychange", () => consider(rule), { once: true }); return; }
    asking = rule;
    port ? tell("ask") : frame();
  }

  // -- the shop's side -------------------------------------------------------------------------------------------------------------------
  // What covers the whole of a phone ends above its keyboard.
  const fit = () => {
    const v = opened && phone.matches && w.visualViewport;
    box.style.height = v ? v.height + "px" : "";
    box.style.transform = v ? `translateY(${v.offsetTop}px)` : "";
  };
  for (const name of ["resize", "scroll"]) w.visualViewport?.addEventListener(name, fit);
  function turn(on, focus) {
    if (opened === on) return;
    opened = on;
    const inside = d.activeElement === host;
    all.classList.toggle("open", on);
    all.classList.remove("large");
    go.setAttribute("aria-expanded", on);
    box.toggleAttribute("aria-modal", on && phone.matches);
    remember({ open: on }, "sessionStorage");
    hush();
    label();
    fit();
    if (on) { frame(); if (focus) iframe.focus(); } else if (inside) go.focus();
    tell("open", on);
    emit(on ? "open" : "close");
  }
  const api = w.Sportello = {
    open: () => turn(true, true),
    close: () => turn(false),
    toggle: () => turn(!opened, true),
    identify: (who) => tell("identify", identity = who),
    setContext: (data) => { context = { ...context, ...data }; tell("context", context); watch(); },
    on: (event, fn) => { (ears[event] ||= new Set()).add(fn); if (event === "ready" && ready) fn(); },
    off: (event, fn) => { ears[event]?.delete(fn); },
    greet: (words) => consider({ text: { [language]: String(words) } }),
    push: (...calls) => { for (const [name, ...rest] of calls) api[name]?.(...rest); },
  };

  told = location.href;
  // Beside the body, so that pages which swap theirs do not take a chat away.
  d.documentElement.append(host);
  api.push(...early);
  ready = true;
  emit("ready");
  watch();
  const idle = w.requestIdleCallback || ((fn) => setTimeout(fn, 1000));
  const resume = () => idle(() => { if (recall("sessionStorage").open && !phone.matches) turn(true); else if (recall().chat) frame(); });
  d.readyState === "complete" ? resume() : w.addEventListener("load", resume, { once: true });
})();
