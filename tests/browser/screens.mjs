// Every screen in a real browser, at three widths, light and dark: pictures to look at, and what a machine can judge itself.
//
//   node tests/browser/screens.mjs [folder for the pictures] [part of a screen's name]
//
// SPORTELLO_BIN names another binary, SPORTELLO_CHROMIUM another browser. Checked: WCAG 2.2 AA by axe, errors of the console and of the
// content security policy, nothing to scroll sideways on a phone, the budgets of the agents' screens.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { listenForTrouble, signIn, startBrowser } from "./lib/browser.mjs";
import { check, summary } from "./lib/checks.mjs";
import { send } from "./lib/mail.mjs";
import { endAll, sleep, until } from "./lib/processes.mjs";
import { ROOT, scratch, startProduct } from "./lib/product.mjs";
import { startSink } from "./lib/sink.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const WIDTHS = [1440, 1024, 390];
const SHOP = "ciao@bottegaginestra.example";
const ADMIN = "chiara@bottegaginestra.example";
/** Holds the demo's chats. */
const AGENT = "giulia@bottegaginestra.example";
/** Forms that are filled in within two seconds are shown once more. */
const TOO_FAST = 2500;
const REFUSED = "abgelehnt.example";

const folder = path.resolve(process.argv[2] ?? path.join(ROOT, "target/shots"));
const only = process.argv[3] ?? "";
const troubles = [];
const spills = [];
const violations = [];

/** Mails that make what the demo lacks: a thread of eighty messages, a letter that came back, words without end. */
async function fill(product, page) {
  const letter = (from, subject, id, first, text) =>
    [`From: ${from}`, `To: <${SHOP}>`, `Subject: ${subject}`, `Message-ID: <${id}>`, ...(first ? [`In-Reply-To: <${first}>`, `References: <${first}>`] : []), "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text, ""].join("\r\n");
  const write = (address, raw) => send(product.smtpPort, address, SHOP, raw);
  const find = (q) =>
    until(`the ticket “${q}”`, 20_000, async () => {
      await page.goto(`${product.url}/search?q=${encodeURIComponent(q)}`);
      return page.locator("[data-row]").first().getAttribute("href", { timeout: 1000 }).catch(() => null);
    });
  const long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
  await write(`anke@${REFUSED}`, letter(`Anke Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz <anke@${REFUSED}>`, `Lieferverzögerungsbenachrichtigung ${long}`, "lang@abgelehnt.example", null, `Guten Tag,\n\n${long} ${long}\n\nhttps://abgelehnt.example/${"sehr-langer-pfad-".repeat(12)}\n\nAnke`));
  const german = await find("Lieferverzögerungsbenachrichtigung");
  await page.goto(product.url + german);
  await page.fill("[data-body]", "Guten Tag,\n\nwir kümmern uns darum.");
  await page.click(".send-first");
  await until("the letter that came back", 40_000, async () => {
    await page.goto(product.url + german);
    return (await page.locator(".delivery--failed").count()) > 0;
  });
  const first = "achtzig-0@posta.example";
  const ask = (index) => {
    const text = index % 7 === 3 ? `Und noch etwas:\n\n${"Ich habe lange gewartet und möchte wissen, wie es weitergeht. ".repeat(9)}` : `Nachricht ${index + 1}: gibt es schon etwas Neues zu meiner Bestellung?`;
    return write("berta@posta.example", letter("Berta Brandt <berta@posta.example>", index ? "Re: Achtzig Fragen" : "Achtzig Fragen", `achtzig-${index}@posta.example`, index ? first : null, text));
  };
  await ask(0);
  const eighty = await find("Achtzig Fragen");
  for (let index = 1; index < 80; index += 1) await ask(index);
  await page.goto(product.url + eighty);
  await page.click('[name=note][value="1"]', { force: true });
  await page.fill("[data-body]", "Frau Brandt schreibt sehr oft. Bitte gesammelt beantworten.");
  await page.click('[name=then][value=note]');
  await page.locator(".letter--note").first().waitFor({ timeout: 20_000 });
  return { german, eighty };
}

/** The address of the first link on a page that fits. */
async function first(page, url, selector) {
  await page.goto(url);
  const href = await page.locator(selector).first().getAttribute("href", { timeout: 10_000 });
  return new URL(href, url).href;
}

async function judge(page, name) {
  await page.evaluate(`window.axe ?? (() => { ${AXE} })()`);
  const { violations: found } = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }), LEVELS);
  for (const { id, nodes } of found) {
    const where = nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`);
    violations.push(`${name}: ${id} (${nodes.length}): ${where.join("; ")}`);
  }
}

/** A picture at every width and theme. `tall`: the whole page rather than one screen of it. */
async function shoot(page, name, { tall }) {
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      if (tall) {
        const height = await page.evaluate(() => Math.max(document.documentElement.scrollHeight, ...[...document.querySelectorAll(".pane")].map((pane) => pane.scrollHeight + 80)));
        await page.setViewportSize({ width, height: Math.min(Math.max(height, 700), 3600) });
      }
      await sleep(120);
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
      if (width !== 1024 && !(width === 390 && colorScheme === "dark")) await judge(page, `${name} ${width} ${colorScheme}`);
      if (width === 390 && colorScheme === "light") {
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > 390) spills.push(`${name}: ${wide} px`);
      }
    }
  }
}

/** What a visit brings over the wire, without the live stream and what a release build lets the browser keep. */
async function weigh(page, url) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const requests = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => requests.set(requestId, { url: request.url, bytes: 0, kept: false }));
  session.on("Network.requestServedFromCache", ({ requestId }) => requests.has(requestId) && (requests.get(requestId).kept = true));
  session.on("Network.responseReceived", ({ requestId, response }) => response.fromDiskCache && requests.has(requestId) && (requests.get(requestId).kept = true));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => requests.has(requestId) && (requests.get(requestId).bytes = encodedDataLength));
  await page.goto(url);
  await sleep(2000);
  await session.detach();
  const brought = new Map();
  for (const { url: each, bytes, kept } of requests.values()) {
    const place = new URL(each).pathname;
    if (kept || each.startsWith("data:") || /\/(live|presence)$/.test(place)) continue;
    brought.set(place, (brought.get(place) ?? 0) + bytes);
  }
  // The worker that holds the live connection belongs to no page: its size is not told.
  for (const [place, bytes] of brought) if (place.endsWith("live-worker.js") && bytes === 0) brought.set(place, 3000);
  return brought;
}

async function budgets(browser, product, cookies, ticket) {
  const css = await fetch(new URL(/href="([^"]+app\.css)"/.exec(await (await fetch(`${product.url}/sign-in`)).text())[1], product.url));
  const release = css.headers.get("Cache-Control").includes("immutable");
  if (!release) console.log("        a debug build: its assets are asked for again on every visit, which is not counted");
  for (const [name, url] of [["inbox", `${product.url}/inbox/open`], ["ticket", product.url + ticket]]) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await context.addCookies(cookies);
    const page = await context.newPage();
    const judgeVisit = (what, brought, most, count) => {
      const bytes = [...brought.values()].reduce((sum, each) => sum + each, 0);
      check(`${name}, ${what}: ${(bytes / 1000).toFixed(1)} of ${most} KB, ${brought.size} of ${count} requests`, bytes <= most * 1000 && brought.size <= count, [...brought].map(([place, each]) => `${place} ${each}`));
    };
    judgeVisit("first visit", await weigh(page, url), 120, 8);
    const again = await weigh(page, url);
    if (!release) for (const place of [...again.keys()]) if (/^\/(static\/|screens\.css)/.test(place)) again.delete(place);
    judgeVisit("later visit", again, 20, 1);
    await context.close();
  }
}

async function look() {
  mkdirSync(folder, { recursive: true });
  const sink = await startSink(REFUSED);
  const product = await startProduct({ data: path.join(scratch(), "data"), env: { SPORTELLO_SMTP_URL: `smtp://127.0.0.1:${sink}`, SPORTELLO_UNDO_SECONDS: "1" } });
  const { url } = product;
  const browser = await startBrowser();
  const desk = await (await browser.newContext({ locale: "en-GB" })).newPage();
  const door = await (await browser.newContext({ locale: "en-GB" })).newPage();
  const chats = await (await browser.newContext({ locale: "en-GB" })).newPage();
  let now = "";
  for (const page of [desk, door, chats]) {
    page.setDefaultTimeout(20_000);
    listenForTrouble(page, troubles, () => now);
  }
  await signIn(desk, url, ADMIN);
  await signIn(chats, url, AGENT);
  const { german, eighty } = await fill(product, desk);
  const ticket = (await first(desk, `${url}/inbox/solved`, "[data-row]")).replace(url, "");

  const screens = [
    ["sign-in", door, "/sign-in"],
    ["forgot", door, "/forgot"],
    ["sign-in-wrong", door, "/sign-in", async (page) => {
      await page.fill("[name=email]", ADMIN);
      await page.fill("[name=password]", "not the password");
      await page.click("main button:not([type=button])");
    }],
    ["inbox-open", desk, "/inbox/open"],
    ["inbox-mine", desk, "/inbox/mine"],
    ["inbox-waiting", desk, "/inbox/waiting"],
    ["inbox-snoozed", desk, "/inbox/snoozed"],
    ["inbox-empty", desk, "/inbox/snoozed?language=de&tag=1&team=1&channel=1"],
    ["search", desk, "/search?q=ordine"],
    ["search-none", desk, "/search?q=zzqqxx"],
    ["ticket", desk, ticket],
    ["ticket-failed", desk, german],
    ["ticket-eighty", desk, eighty],
    ["ticket-note", desk, eighty, async (page) => page.click('[name=note][value="1"]', { force: true })],
    ["ticket-canned", desk, ticket, async (page) => {
      await page.locator("[data-body]").pressSequentially("#tra");
      await page.locator("#canned").waitFor();
    }],
    ["ticket-tags", desk, ticket, async (page) => page.click("#tags-menu summary")],
    ["ticket-customer", desk, `${ticket}#customer`],
    ["ticket-pick-canned", desk, `${ticket.split("?")[0]}/canned`],
    ["palette", desk, "/inbox/open", async (page) => page.keyboard.press("Control+k")],
    ["keys", desk, "/inbox/open", async (page) => page.keyboard.press("?")],
    ["chats", chats, "/chats"],
    ["chats-transfer", chats, "/chats", async (page) => page.locator('[id^="transfer-"] summary').first().click()],
    ["chats-facts", chats, "/chats", async (page) => page.locator(".chat-facts summary").first().click()],
    ["chats-ticket", chats, await first(chats, `${url}/chats`, '[id^="chat-"] h2 a')],
    ["chats-empty", desk, "/chats"],
    ["chats-floor", desk, "/chats/floor"],
    ["calls", desk, "/calls"],
    ["calls-missed", desk, "/calls?show=missed"],
    ["call", desk, await first(desk, `${url}/calls`, '[id^="row-call-"]')],
    ["call-new", desk, "/calls/new"],
    ["call-new-wrong", desk, "/calls/new", async (page) => page.click("#call-by-hand .button--primary")],
    ["call-ticket", desk, await first(desk, `${url}/calls`, '.calls-table a[href^="/tickets/"]')],
    ["call-rings", desk, "/inbox/open", async (page) => {
      const door = await page.context().newPage();
      await door.goto(`${url}/demo/simulator`);
      await door.click("[name=what][value=ring]");
      await door.close();
      await page.locator("#calls .call--ringing").waitFor();
    }],
    ["call-talks", desk, "/inbox/open", async (page) => {
      const door = await page.context().newPage();
      await door.goto(`${url}/demo/simulator`);
      await door.selectOption("[name=by]", { label: "Chiara Bellini" });
      await door.click("[name=what][value=answer]");
      await door.close();
      await page.locator("#calls .call--active").waitFor();
    }],
    ["call-ended", desk, "/customers", async (page) => {
      const door = await page.context().newPage();
      await door.goto(`${url}/demo/simulator`);
      await door.click("[name=what][value=hang_up]");
      await door.close();
      await page.locator("#calls .call--ended").waitFor();
      await page.fill("#calls textarea", "She asks where her boots are.");
      await page.locator("#calls .call-foot .button--primary").click();
      await page.locator("#calls .call").waitFor({ state: "detached" });
    }],
    ["settings-phone", desk, await first(desk, `${url}/settings/channels`, 'a[href^="/settings/networks/phone/"]')],
    ["settings-phone-new", desk, "/settings/networks/phone/new", async (page) => page.selectOption("#provider", "twilio")],
    ["simulator", door, "/demo/simulator"],
    ["reviews", desk, "/reviews"],
    ["reviews-none", desk, "/reviews?state=answered&rating=none&to=2020-01-01"],
    ["review", desk, await first(desk, `${url}/reviews`, "a[data-row]")],
    ["approvals", desk, "/approvals"],
    ["approval", desk, await first(desk, `${url}/approvals`, "a[data-row]")],
    ["settings-approval", desk, "/settings/approval"],
    ["settings-anger", desk, "/settings/anger?try=Siete%20dei%20truffatori"],
    ["settings-spam", desk, "/settings/spam"],
    ["customers", desk, "/customers"],
    ["customer", desk, await first(desk, `${url}/customers`, 'a[href^="/customers/"]')],
    ["profile", desk, "/profile"],
    ["settings", desk, "/settings"],
    ["settings-shop", desk, "/settings/shop"],
    ["settings-people", desk, "/settings/people"],
    ["settings-invite", desk, "/settings/people/invite"],
    ["settings-person", desk, await first(desk, `${url}/settings/people`, 'a[href^="/settings/people/"]:not([href$=invite])')],
    ["settings-teams", desk, "/settings/teams"],
    ["settings-team", desk, await first(desk, `${url}/settings/teams`, 'a[href^="/settings/teams/"]')],
    ["settings-tags", desk, "/settings/tags"],
    ["settings-channels", desk, "/settings/channels"],
    ["settings-mailbox-new", desk, "/settings/mailboxes/new"],
    ["settings-mailbox", desk, await first(desk, `${url}/settings/channels`, 'a[href^="/settings/mailboxes/"]:not([href$=new])')],
    ["settings-mailbox-google", desk, "/settings/mailboxes/new?address=help%40gmail.com", async (page) => page.check('[name=sign_in][value=google]')],
    ["settings-forms", desk, "/settings/forms"],
    ["settings-form", desk, await first(desk, `${url}/settings/forms`, 'a[href^="/settings/forms/"]:not([href$=new])')],
    ["settings-form-new", desk, "/settings/forms/new"],
    ["settings-hours", desk, "/settings/hours"],
    ["settings-team-hours", desk, (await first(desk, `${url}/settings/teams`, 'a[href^="/settings/teams/"]')) + "/hours"],
    ["settings-chats", desk, "/settings/chats"],
    ["settings-chat", desk, await first(desk, `${url}/settings/chats`, 'a[href^="/settings/chats/"]:not([href$=new])')],
    ["settings-chat-site", desk, (await first(desk, `${url}/settings/chats`, 'a[href^="/settings/chats/"]:not([href$=new])')) + "/install"],
    ["settings-chat-new", desk, "/settings/chats/new"],
    ["settings-chat-wrong", desk, "/settings/chats/new", async (page) => {
      await page.fill("[name=key]", "Not a key!");
      await page.getByRole("button", { name: "Save", exact: true }).last().click();
    }],
    ["settings-letters", desk, "/settings/letters"],
    ["mail-new", desk, "/mail/new"],
    ["settings-canned", desk, "/settings/canned"],
    ["settings-canned-edit", desk, await first(desk, `${url}/settings/canned`, 'a[href^="/settings/canned/"]:not([href$=new])')],
    ["settings-canned-new", desk, "/settings/canned/new"],
    ["settings-incoming", desk, "/settings/incoming"],
    ["settings-tokens", desk, "/settings/tokens"],
    ["settings-webhooks", desk, "/settings/webhooks"],
    ["settings-webhook-new", desk, "/settings/webhooks/new"],
    ["call-backs", desk, "/inbox/call-backs"],
    ["call-backs-over", desk, "/inbox/call-backs?view=over"],
    ["ticket-call", desk, await first(desk, `${url}/inbox/call-backs`, 'tbody a[href^="/tickets/"]')],
    ["settings-call-backs", desk, "/settings/call-backs"],
    ["settings-networks", desk, "/settings/networks"],
    ["settings-network", desk, await first(desk, `${url}/settings/channels`, 'a[href^="/settings/networks/telegram/"]')],
    ["settings-network-new", desk, "/settings/networks/facebook/new"],
    ["settings-network-x", desk, await first(desk, `${url}/settings/channels`, 'a[href^="/settings/networks/x/"]')],
    ["settings-network-google", desk, await first(desk, `${url}/settings/channels`, 'a[href^="/settings/networks/google/"]')],
    ["settings-api-channel-blog", desk, "/settings/api-channels/new?preset=blog"],
    ["settings-api-channel-new", desk, "/settings/api-channels/new"],
    ["ticket-post", desk, await first(desk, `${url}/search?q=codice+AUTUNNO`, "a[data-row]")],
    ["ticket-review", desk, await first(desk, `${url}/search?q=cambio+misura+settimane`, "a[data-row]")],
    ["ticket-network", desk, await first(desk, `${url}/search?q=BG-20417`, "a[data-row]")],
    ["error-in-desk", desk, "/tickets/999999"],
    ["error", door, "/nothing-here"],
    ["api-docs", door, "/api/v1/docs"],
    ["storefront", door, "/demo"],
    ...["it", "en", "fr", "de", "es"].map((language) => [`form-${language}`, door, `/forms/contact?lang=${language}`]),
    ...["it", "en", "fr", "de", "es"].map((language) => [`widget-${language}`, door, `/chat/demo/frame?lang=${language}`]),
    ...["it", "en", "fr", "de", "es"].map((language) => [`call-back-${language}`, door, `/call-back?lang=${language}`]),
    ["call-back-errors", door, "/call-back?lang=de", async (page) => {
      await sleep(TOO_FAST);
      await page.click(".actions .button");
    }],
    ["form-returns", door, "/forms/returns?lang=de"],
    ["form-errors", door, "/forms/returns?lang=de", async (page) => {
      await page.fill("[name=email]", "anke(at)posta");
      await sleep(TOO_FAST);
      await page.click(".actions .button");
    }],
    ["receipt", door, "/forms/contact?lang=de", async (page) => {
      await page.fill("[name=name]", "Anna-Lena Müller");
      await page.fill("[name=email]", "anna-lena@posta.example");
      await page.selectOption("[name=topic]", { index: 2 });
      await page.fill("[name=message]", "Guten Tag,\n\nwo bleibt meine Bestellung?\n\nDanke\nAnna-Lena");
      await sleep(TOO_FAST);
      await page.setInputFiles("[name=files]", path.join(ROOT, "src/demo/files/parcel.png"));
      await page.click(".actions .button");
      await page.locator("#done").waitFor();
    }],
    ["customer-ticket", door, null, async (page) => page.goto(await page.locator("a.button").first().getAttribute("href"))],
  ];
  const { status } = await fetch(`${url}/styleguide`, { redirect: "manual" });
  if (status !== 404) screens.push(["styleguide", desk, "/styleguide"]);

  for (const [name, page, to, then] of screens) {
    now = name;
    if (only && !name.includes(only) && !(only.startsWith("customer-ticket") && name === "receipt")) continue;
    try {
      if (to !== null) {
        await page.goto("about:blank");
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(to.startsWith("http") ? to : url + to);
      }
      await then?.(page);
      await page.waitForLoadState();
      await sleep(250);
      await shoot(page, name, { tall: page === door || /^(settings|customers?$|profile|styleguide|api)/.test(name) });
    } catch (error) {
      check(name, false, error.message.split("\n")[0]);
    }
  }
  now = "budgets";
  const cookies = await desk.context().cookies();
  await desk.goto("about:blank");
  if (!only || only === "budgets") await budgets(browser, product, cookies, ticket);
  console.log(`  ${screens.length} screens, pictures in ${folder}`);
  check("nothing against WCAG 2.2 AA", violations.length === 0, `\n    ${violations.join("\n    ")}`);
  check("no errors in the console, none of the content security policy", troubles.length === 0, `\n    ${[...new Set(troubles)].join("\n    ")}`);
  check("nothing to scroll sideways at 390 px", spills.length === 0, `\n    ${spills.join("\n    ")}`);
}

try {
  await look();
} catch (error) {
  check("the screens could be seen", false, error.stack);
} finally {
  await endAll();
}
process.exitCode = summary() ? 0 : 1;
