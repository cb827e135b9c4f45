// The journey of live chat, once, with real browsers, a real mail server and the real clock: a shop's page that trusts nobody, a visitor who
// talks with an agent, an agent who disappears, a ladder that finds nobody, and an answer that arrives by mail all the same.
//
//   node tests/browser/chat.mjs
//
// Needs what journey.mjs needs, and psql.

import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";

import { listenForTrouble, signIn, startBrowser } from "./lib/browser.mjs";
import { check, checkThat, failed, summary } from "./lib/checks.mjs";
import { part, read } from "./lib/mail.mjs";
import { canRun, startPostfix } from "./lib/postfix.mjs";
import { endAll, freePort, sleep, until } from "./lib/processes.mjs";
import { PASSWORD, ROOT, query, scratch, startProduct } from "./lib/product.mjs";
import { startShop } from "./lib/shop.mjs";

const KEY = "shop";
const SHOP_DOMAIN = "bottegaginestra.example";
const MAILBOX = `ciao@${SHOP_DOMAIN}`;
const ANNA = `anna@${SHOP_DOMAIN}`;
const MARTA = `marta@${SHOP_DOMAIN}`;
const VISITOR = "noemi.costa@courriel.example";
const PICTURE = path.join(ROOT, "src/demo/files/parcel.png");
/** How long something may take to appear by itself on the other side's screen. */
const LIVE = 20_000;
/** A closed screen is given this long to come back (src/desk/presence.rs, CLOSING), and one offer rings this long (ladder.rs, OFFER). */
const CLOSING = 25_000;
const OFFER = 30_000;
/** What a job and a busy machine may add to either. */
const GRACE = 8000;
const MAIL = 30_000;
const UNDO_SECONDS = 1;

const QUESTION = "Do the Arno boots run small? I am between 38 and 39.";
const LAST_QUESTION = "One more thing: could I have them before the 12th?";
const ANSWER = "Yes, Noemi: they leave tomorrow and reach you on the 10th.";

/** Runs `wait` and prints how long it took since `began`. */
async function timed(what, began, wait) {
  return checkThat(what, async () => {
    const result = await wait();
    console.log(`        after ${Date.now() - began} ms`);
    return result;
  });
}

/** A desk with two people, a mailbox, and a chat that is always open. Nobody's screen is open. */
async function prepare(data, product) {
  const week = JSON.stringify(Array.from({ length: 7 }, () => [{ from: "00:00", to: "24:00" }]));
  await query(
    data,
    `insert into channels (kind, name, address) values ('email', 'Mailbox', '${MAILBOX}'), ('chat', 'Website chat', '${KEY}');
     update desk set hours = jsonb_build_object('week', '${week}'::jsonb), call_backs = '{"offered": true}';
     insert into agents (email, name, role) values ('${MARTA}', 'Marta Sala', 'agent');`,
  );
  const link = /http\S+\/setup\/\S+/.exec(product.log)[0];
  const form = { shop: "Bottega Ginestra", name: "Anna Bruni", email: ANNA, password: PASSWORD };
  const response = await fetch(link, { method: "POST", body: new URLSearchParams(form), redirect: "manual", headers: { Origin: product.url } });
  check("the link for the first admin works", response.status === 303, response.status);
  await query(data, `update agents set password_hash = (select password_hash from agents where email = '${ANNA}') where email = '${MARTA}';`);
}

/** The chat's frame on the shop's page. It stands in a closed shadow root, where no selector of the page's finds it. */
const frameOf = (page) => until("the frame", 15_000, () => page.frames().find((frame) => frame.url().includes(`/chat/${KEY}/frame`)));

/** Presses the round button at the lower right, where every visitor finds it. */
async function pressLauncher(page) {
  const { width, height } = page.viewportSize();
  const found = await page.evaluate(([x, y]) => document.elementFromPoint(x, y)?.localName, [width - 48, height - 48]);
  check("the launcher stands where it belongs, whatever the shop's sheet says", found === "sportello-chat", found);
  await page.mouse.click(width - 48, height - 48);
}

async function findsNobody(visitor, shop, desk, asked) {
  console.log("\nNobody is there");
  await visitor.goto(`${shop.url}/boots`);
  await visitor.waitForFunction(() => typeof window.Sportello?.open === "function");
  await sleep(1500);
  check("before it is pressed, the chat costs the shop's page one request", asked.length === 1 && asked[0].endsWith("/widget.js"), asked);
  const before = asked.length;
  await pressLauncher(visitor);
  const frame = await frameOf(visitor);
  await checkThat("the widget says that nobody is on", () => frame.getByText("None of us is online right now.").waitFor({ timeout: LIVE }));
  check("and offers no chat", (await frame.getByRole("button", { name: "Start a chat" }).count()) === 0);
  check("but a message", await frame.getByRole("button", { name: "Write a message" }).isVisible());
  const size = await frame.evaluate(() => [innerWidth, innerHeight]);
  check("the panel has its size", size[0] === 400 && size[1] > 500, size);
  console.log(`        ${asked.length - before} requests to open it`);
  return frame;
}

async function findsAnna(frame, agent, url) {
  console.log("\nAn agent comes");
  const began = Date.now();
  await signIn(agent, url, ANNA, "/chats");
  await agent.evaluate(() => (window.marked = true));
  await timed("the open widget names her", began, () => frame.getByText("Anna is here for you.").waitFor({ timeout: LIVE + 5000 }));
  await checkThat("and offers a chat", () => frame.getByRole("button", { name: "Start a chat" }).waitFor({ timeout: LIVE }));
}

/** What a visitor types and sends. */
async function type(frame, words) {
  await frame.locator("textarea.text").pressSequentially(words);
  await frame.locator("textarea.text").press("Enter");
}

const bubble = (frame, words) => frame.locator(".bubble", { hasText: words });

/** Lets the next `count` messages get through and their answers get lost. */
async function loseAnswers(context, count) {
  const tally = { tries: 0, stop: () => context.unroute("**/messages") };
  await context.route("**/messages", async (route) => {
    tally.tries += 1;
    if (tally.tries > count) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  return tally;
}

async function begins(visitor, frame, agent, data) {
  console.log("\nThe visitor writes, and the answer to the first word is lost");
  await frame.getByRole("button", { name: "Start a chat" }).click();
  await frame.locator("#f-name").fill("Noemi Costa");
  await frame.locator("#f-email").fill(VISITOR);
  await frame.getByRole("button", { name: "Continue" }).click();
  const answers = await loseAnswers(visitor.context(), 1);
  const began = Date.now();
  await type(frame, QUESTION);
  const offer = agent.locator("[data-offer]:visible").first();
  await timed("it rings at the agent by itself", began, () => offer.waitFor({ timeout: LIVE }));
  check("with the visitor's name and words", /Noemi/.test(await offer.innerText()) && (await offer.innerText()).includes("Arno boots"), await offer.innerText());
  await checkThat("in the tab's title too", () => until("the title", LIVE, async () => /Noemi.* rings/.test(await agent.title())));
  const number = await offer.getAttribute("data-offer");
  await agent.keyboard.press("c");
  await checkThat("C accepts it", () => agent.locator(`#chat-${number}`).waitFor({ timeout: LIVE }));
  check("the page was not loaded anew", await agent.evaluate(() => window.marked === true));
  await checkThat("the visitor sees who is with them", () => frame.locator(".partner", { hasText: "Anna" }).getByText("is with you now").waitFor({ timeout: LIVE }));
  await checkThat("the visitor's browser has sent it twice", () => until("two tries", LIVE, () => answers.tries === 2));
  await answers.stop();
  const kept = await query(data, "select (select count(*) from messages) || ' ' || (select count(*) from chats) || ' ' || (select count(*) from visitors)");
  check("it was kept once, in one chat of one visitor", kept === "1 1 1", kept);
  check("the agent sees the question", (await agent.locator(`#thread-${number}`).innerText()).includes(QUESTION));
  return number;
}

async function talks(frame, agent, number) {
  console.log("\nThey talk");
  const field = agent.locator(`#composer-${number} [data-body]`);
  const thread = agent.locator(`#thread-${number}`);
  let began = Date.now();
  await field.pressSequentially("Hello Noemi, they");
  await timed("the visitor sees that Anna types", began, () => frame.locator(".typing:not([hidden])", { hasText: "Anna is typing" }).waitFor({ timeout: LIVE }));
  await field.pressSequentially(" fit as usual.");
  began = Date.now();
  await field.press("Enter");
  await timed("and then her words", began, () => bubble(frame, "Hello Noemi, they fit as usual.").waitFor({ timeout: LIVE }));
  check("she types no more", await frame.locator(".typing").isHidden());
  await checkThat("the agent sees that they were read", () => thread.locator(".bubble--out", { hasText: "fit as usual" }).locator(".bubble-mark--read").waitFor({ timeout: LIVE }));

  began = Date.now();
  await frame.locator("textarea.text").pressSequentially("So 39 then, I wear");
  await timed("the agent sees what is being written", began, () => agent.locator(`[data-writing-here="${number}"]`, { hasText: "So 39 then" }).waitFor({ timeout: LIVE }));
  began = Date.now();
  await frame.locator("textarea.text").pressSequentially(" thick socks.");
  await frame.locator("textarea.text").press("Enter");
  await timed("and what was said", began, () => thread.locator(".bubble--in", { hasText: "So 39 then, I wear thick socks." }).waitFor({ timeout: LIVE }));
  await checkThat("the visitor sees that it was read", () => frame.locator(".mark", { hasText: "Read" }).waitFor({ timeout: LIVE }));
  check("nothing stays of the writing", (await agent.locator(`[data-writing-here="${number}"]`).textContent()) === "");

  await agent.locator(`#choices-${number} summary`).click();
  const choices = agent.locator(`#choices-${number} [name=choice]`);
  await choices.nth(0).fill("Black, please");
  await choices.nth(1).fill("Brown, please");
  await field.fill("Which colour?");
  await field.press("Enter");
  await checkThat("quick answers arrive as buttons", () => frame.locator(".choices button").nth(1).waitFor({ timeout: LIVE }));
  await frame.locator(".choices").getByRole("button", { name: "Brown, please" }).click();
  await checkThat("a click says it", () => thread.locator(".bubble--in", { hasText: "Brown, please" }).waitFor({ timeout: LIVE }));
  check("and the buttons are gone", (await frame.locator(".choices").count()) === 0);
  check("who sees the newest words is offered no jump to them", (await thread.locator(".jump").count()) === 0);

  await frame.locator("input[type=file]").setInputFiles(PICTURE);
  await frame.locator(".chips .chip").waitFor();
  await type(frame, "This is the parcel of my last order.");
  const picture = thread.locator(".picture img").first();
  await checkThat("a picture arrives with its words", () => picture.waitFor({ timeout: LIVE }));
  await picture.scrollIntoViewIfNeeded();
  await checkThat("which can be seen", () => until("the picture", LIVE, () => picture.evaluate((img) => img.complete && img.naturalWidth > 0)));
}

async function reloads(visitor, before) {
  console.log("\nThe visitor loads the page anew");
  const said = await before.locator(".bubble").allInnerTexts();
  await visitor.reload();
  const frame = await frameOf(visitor);
  await checkThat("the panel is open again, with the conversation", () => bubble(frame, "This is the parcel of my last order.").waitFor({ timeout: LIVE }));
  const again = await frame.locator(".bubble").allInnerTexts();
  check("all of it, in its order", JSON.stringify(again) === JSON.stringify(said), { said, again });
  const picture = frame.locator(".picture img").first();
  await checkThat("and the picture", () => until("the picture", LIVE, () => picture.evaluate((img) => img.complete && img.naturalWidth > 0)));
  return frame;
}

async function losesNetwork(visitor, frame, agent, number, data) {
  console.log("\nThe visitor's network is gone for a while");
  const thread = agent.locator(`#thread-${number}`);
  const words = "I am in a tunnel, can you hear me?";
  const kept = (text) => query(data, `select count(*) from messages where ticket_id = ${number} and body = '${text}';`);
  await visitor.context().setOffline(true);
  await type(frame, words);
  await checkThat("the widget says so", () => frame.locator(".banner", { hasText: "Waiting for the network" }).waitFor({ timeout: LIVE }));
  check("what was written stays in sight", await bubble(frame, words).isVisible());
  await checkThat("marked as waiting", () => frame.locator(".mark", { hasText: "Waiting for the network" }).waitFor({ timeout: LIVE }));
  await agent.locator(`#composer-${number} [data-body]`).fill("Take your time, Noemi.");
  await agent.locator(`#composer-${number} [data-body]`).press("Enter");
  await sleep(4000);
  check("nothing of it has reached the desk", (await kept(words)) === "0");
  const back = Date.now();
  await visitor.context().setOffline(false);
  await timed("it arrives when the network is back", back, () => thread.locator(".bubble--in", { hasText: words }).waitFor({ timeout: LIVE }));
  await timed("and so does what the agent said meanwhile", back, () => bubble(frame, "Take your time, Noemi.").waitFor({ timeout: LIVE }));
  await checkThat("the widget is calm again", () => frame.locator(".banner").waitFor({ state: "hidden", timeout: LIVE }));

  const second = "And now?";
  const answers = await loseAnswers(visitor.context(), 1);
  await type(frame, second);
  await checkThat("a message whose answer is lost is known to have arrived when the stream brings it", () => frame.locator(".mark", { hasText: /Read|Delivered|Sent$/ }).waitFor({ timeout: LIVE }));
  await sleep(2500);
  check("and is not sent again", answers.tries === 1, answers.tries);
  await answers.stop();
  check("each was kept once", (await kept(words)) === "1" && (await kept(second)) === "1", [await kept(words), await kept(second)]);
  check("and is shown once to the agent", (await thread.locator(".bubble--in", { hasText: words }).count()) === 1 && (await thread.locator(".bubble--in", { hasText: second }).count()) === 1);
  check("and to the visitor", (await bubble(frame, words).count()) === 1 && (await bubble(frame, second).count()) === 1);
}

async function keepsNothing(agent, shop) {
  console.log("\nAnother visitor, whose browser forbids frames to keep anything");
  const browser = await startBrowser();
  const page = await (await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${shop.url}/boots`);
  await page.waitForFunction(() => typeof window.Sportello?.open === "function");
  await page.evaluate(() => window.Sportello.open());
  const frame = await frameOf(page);
  check("it does", await frame.evaluate(() => { try { return !localStorage; } catch { return true; } }));
  await frame.getByRole("button", { name: "Start a chat" }).click();
  await frame.getByRole("button", { name: "Skip" }).click();
  await type(frame, "Do you ship to Elba?");
  const offer = agent.locator("[data-offer]:visible").first();
  await checkThat("their words ring all the same", () => offer.waitFor({ timeout: LIVE }));
  const number = await offer.getAttribute("data-offer");
  await offer.locator("[data-accept]").click();
  await agent.locator(`#composer-${number} [data-body]`).fill("We do.");
  await agent.locator(`#composer-${number} [data-body]`).press("Enter");
  await checkThat("and are answered", () => bubble(frame, "We do.").waitFor({ timeout: LIVE }));
  await agent.locator(`#chat-${number} form[action$="/end"] button`).click();
  await checkThat("both see the end", () => frame.getByRole("heading", { name: "The chat has ended" }).waitFor({ timeout: LIVE }));
  await browser.close();
}

const GREETING = "Unsure about the size? Ask us.";

/** An admin gives the chat a greeting and takes the secret with which the shop signs, as admins do. */
async function configures(context, url, data) {
  console.log("\nAn admin changes the chat");
  const page = await context.newPage();
  const chat = `${url}/settings/chats/${await query(data, `select id from channels where address = '${KEY}'`)}`;
  await page.goto(chat);
  await page.getByRole("button", { name: "Add a greeting" }).click();
  await page.locator('[name="greeting.0.text.en"]').fill(GREETING);
  await page.locator('[name="greeting.0.url"]').fill("/boots?hello");
  await page.locator('[name="greeting.0.seconds"]').fill("1");
  await page.getByRole("button", { name: "Save", exact: true }).last().click();
  await checkThat("what was entered is kept", () => until("the greeting", LIVE, async () => (await query(data, `select settings -> 'greetings' -> 0 -> 'text' ->> 'en' from channels where address = '${KEY}'`)) === GREETING));
  const preview = await until("the preview", LIVE, () => page.frames().find((frame) => frame.url().includes("/preview")));
  await checkThat("the preview shows the widget", () => preview.waitForFunction(() => document.querySelector("sportello-chat")));
  await page.goto(`${chat}/install`);
  await page.getByRole("button", { name: "Make a secret" }).click();
  const secret = (await page.locator("#secret").innerText()).trim();
  check("the shop's secret is shown to who asks", secret.length > 20, secret.length);
  await page.close();
  return secret;
}

async function shopSpeaks(open, agent, shop, secret, data) {
  console.log("\nA customer who is signed in at the shop, and a greeting");
  const visitor = await open("lia", "en-GB");
  const hash = createHmac("sha256", secret).update("4711").digest("hex");
  await visitor.addInitScript((hash) => {
    window.shifts = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shifts += entry.value))).observe({ type: "layout-shift", buffered: true });
    window.heard = [];
    window.Sportello = window.Sportello || [];
    window.Sportello.push(["identify", { id: "4711", email: "lia@courriel.example", name: "Lia Serra", hash }], ["setContext", { order: "BG-77", cart_total: 320 }]);
    window.Sportello.push(["on", "message", (message) => window.heard.push(message)]);
  }, hash);
  await visitor.goto(`${shop.url}/boots?hello`);
  const spot = [visitor.viewportSize().width - 120, visitor.viewportSize().height - 115];
  const greeted = () => visitor.evaluate(([x, y]) => document.elementFromPoint(x, y)?.localName === "sportello-chat", spot);
  await checkThat("the greeting shows by itself", () => until("the greeting", LIVE, greeted));
  check("and moves nothing on the shop's page", (await visitor.evaluate(() => window.shifts)) === 0, await visitor.evaluate(() => window.shifts));
  await visitor.mouse.click(...spot);
  const frame = await frameOf(visitor);
  await checkThat("a click opens the chat with it", () => frame.getByText(GREETING).waitFor({ timeout: LIVE }));
  const start = frame.getByRole("button", { name: "Start a chat" });
  if (await start.isVisible()) await start.click();
  await type(frame, "Which size, 41 or 42?");
  const offer = agent.locator("[data-offer]:visible").first();
  await offer.waitFor({ timeout: LIVE });
  const number = await offer.getAttribute("data-offer");
  await offer.locator("[data-accept]").click();
  const pane = agent.locator(`#chat-${number}`);
  await checkThat("the agent sees that the shop vouches for her", () => pane.locator(".chat-verified").waitFor({ timeout: LIVE }));
  const facts = await pane.evaluate((node) => node.textContent);
  check("and what the shop told: order, cart, name", ["Lia Serra", "BG-77", "320"].every((fact) => facts.includes(fact)), facts);
  const details = await query(data, `select details::text from tickets where id = ${number}`);
  check("the ticket knows which greeting was answered", details.includes(GREETING), details);

  const field = agent.locator(`#composer-${number} [data-body]`);
  await field.fill("42, they run small.");
  await field.press("Enter");
  await checkThat("the answer arrives", () => bubble(frame, "42, they run small.").waitFor({ timeout: LIVE }));
  await checkThat("the shop's script hears from whom, and no word of it", () => until("the event", LIVE, () => visitor.evaluate(() => window.heard.some(({ from, ...rest }) => from === "agent" && !JSON.stringify(rest).includes("small")))));

  const tab = await visitor.context().newPage();
  await tab.goto(`${shop.url}/belts`);
  await tab.waitForFunction(() => typeof window.Sportello?.open === "function");
  await tab.evaluate(() => window.Sportello.open());
  const other = await frameOf(tab);
  await checkThat("a second tab shows the conversation", () => bubble(other, "42, they run small.").waitFor({ timeout: LIVE }));
  await type(other, "Then 42, please.");
  await checkThat("what is said there stands in the first too", () => bubble(frame, "Then 42, please.").waitFor({ timeout: LIVE }));
  check("once", (await query(data, `select count(*) from messages where body = 'Then 42, please.'`)) === "1");
  await tab.close();

  const bytes = [...(await readFile(PICTURE))];
  await frame.locator("textarea.text").evaluate((field, bytes) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, bytes);
  await checkThat("a pasted picture is taken", () => frame.locator(".chips .chip").waitFor({ timeout: LIVE }));
  await type(frame, "Like these.");
  await checkThat("and reaches the agent", () => agent.locator(`#thread-${number} .picture img`).first().waitFor({ timeout: LIVE }));
  await field.fill("They will fit. Good bye, Lia!");
  await field.press("Enter");
  await bubble(frame, "Good bye, Lia!").waitFor({ timeout: LIVE });
  await pane.locator('form[action$="/end"] button').click();
  await frame.getByRole("heading", { name: "The chat has ended" }).waitFor({ timeout: LIVE });
  await visitor.context().close();
}

async function loseAgents(frame, open, agent, url, number, data) {
  console.log("\nThe agent disappears");
  const second = await open("marta", "en-GB");
  await signIn(second, url, MARTA, "/chats");
  await sleep(1500);
  check("it does not ring at the second while the first holds it", (await second.locator("[data-offer]").count()) === 0);
  await type(frame, LAST_QUESTION);
  await agent.locator(`#thread-${number} .bubble--in`, { hasText: LAST_QUESTION }).waitFor({ timeout: LIVE });
  const gone = Date.now();
  await agent.context().close();
  await timed("the chat rings at the second, and the visitor did nothing", gone, () => second.locator(`[data-offer="${number}"]:visible`).first().waitFor({ timeout: CLOSING + GRACE }));
  await checkThat("the visitor knows that the team was told", () => frame.getByText("We have told the team that you are here.").waitFor({ timeout: LIVE }));

  console.log("\nNobody takes it");
  // Her screen closes so that she counts as gone just after her offer has run out: the chat has rung at her, then at the whole team.
  const rung = Date.now();
  await sleep(OFFER - CLOSING + 5000);
  const left = Date.now();
  await second.context().close();
  await timed("the visitor is told that it takes longer than we said", rung, () => frame.getByRole("heading", { name: "We are sorry" }).waitFor({ timeout: CLOSING + GRACE - (Date.now() - left) + OFFER }));
  const offers = await query(data, `select string_agg(a.name || ' ' || coalesce(o.outcome::text, 'rings'), ', ' order by o.round) from chat_offers o join agents a on a.id = o.agent_id where ticket_id = ${number};`);
  console.log(`        ${offers}`);
  check("the ladder went past her offer to the whole team", /Marta Sala missed, Marta Sala \w+$/.test(offers), offers);
  const [state, waiting] = (await query(data, `select state, deadline_at is not null and promised_at is not null from chats where ticket_id = ${number};`)).split("|");
  check("the chat is open still and has its moment at which the desk acts", state === "parked" && waiting === "t", { state, waiting });
  check("all that was said stays in sight", await bubble(frame, LAST_QUESTION).isVisible());
  const ways = await frame.locator(".late .rows strong").allInnerTexts();
  check("there are ways on, none of which needs an agent now", ways.join() === "Keep waiting,Be called back,Go on by e-mail", ways);
}

/** Nobody takes the chat: another visitor asks for a call instead. */
async function asksForACall(open, shop, data) {
  console.log("\nBy phone");
  const visitor = await open("caller", "en-GB");
  await visitor.goto(`${shop.url}/boots`);
  await visitor.waitForFunction(() => typeof window.Sportello?.open === "function");
  await visitor.evaluate(() => window.Sportello.open());
  const frame = await frameOf(visitor);
  await frame.getByRole("button", { name: "Be called back" }).click();
  await frame.locator("#f-phone").fill("+39 333 123 4567");
  await checkThat("there are times to choose from", () => frame.locator("#f-time option").nth(3).waitFor({ state: "attached", timeout: LIVE }));
  await frame.locator("#f-time").selectOption({ index: 2 });
  await frame.locator("#f-text").fill("My parcel is lost.");
  await frame.getByRole("button", { name: "Please call me" }).click();
  await checkThat("the visitor reads when the call comes", () => frame.getByText(/We will call you .*between .* at \+39 333 123 4567/).waitFor({ timeout: LIVE }));
  const [phone, state, note] = (await query(data, "select phone, state, note from call_backs order by id desc limit 1;")).split("|");
  check("the call is owed", phone === "+393331234567" && state === "wanted" && note === "My parcel is lost.", { phone, state, note });
}

async function goesOnByMail(frame, open, url, number, postfix, data) {
  console.log("\nBy e-mail");
  await frame.locator(".late").getByRole("button", { name: "Go on by e-mail" }).first().click();
  check("the address is known already", (await frame.locator("#f-email").inputValue()) === VISITOR, await frame.locator("#f-email").inputValue());
  await frame.locator(".late form.reach .button").click();
  await checkThat("the visitor reads where the answer goes", () => frame.getByText(`We go on by e-mail. Our answer comes to ${VISITOR}`).waitFor({ timeout: LIVE }));

  const agent = await open("back", "en-GB");
  await signIn(agent, url, ANNA, `/tickets/${number}`);
  const conversation = await agent.locator("#thread").innerText();
  check("the whole conversation is in the ticket", [QUESTION, "Brown, please", LAST_QUESTION].every((words) => conversation.includes(words)), conversation);
  const already = postfix.mails(VISITOR).length;
  await agent.locator("[data-body]").fill(ANSWER);
  const began = Date.now();
  await agent.locator("[data-body]").press("Control+Enter");
  const letters = () => postfix.mails(VISITOR).map(read);
  await timed("the mail arrives", began, () => until("mail", MAIL, () => letters().some((letter) => letter.text.includes(ANSWER))));
  const letter = letters().find((each) => each.text.includes(ANSWER));
  check("once, and no other before it", letters().length === 1 && already === 0, letters().map((each) => each.text));
  if (letter) {
    const plain = part(letter, "text/plain")?.text ?? "";
    check("from the shop's mailbox, to the visitor", letter.header("From").includes(MAILBOX) && letter.header("To").includes(VISITOR), [letter.header("From"), letter.header("To")]);
    check("its thread leads back to the ticket", letter.header("Subject").includes(`#${number}`) && (letter.header("Reply-To") ?? "").includes("+"), [letter.header("Subject"), letter.header("Reply-To")]);
    check("with what was asked below", plain.includes(LAST_QUESTION), plain);
  }
  const owed = await query(data, `select state || ' ' || (deadline_at is null) from chats where ticket_id = ${number};`);
  check("no chat is left behind", owed === "mail true", owed);
}

async function travel() {
  if (!canRun()) throw new Error("this needs Postfix, started by root");
  const folder = scratch();
  const data = path.join(folder, "data");
  const smtpPort = await freePort();
  const postfix = await startPostfix(path.join(folder, "postfix"), { domains: ["courriel.example"], boxes: [VISITOR], shop: { domain: SHOP_DOMAIN, port: smtpPort } });
  const product = await startProduct({
    data,
    smtpPort,
    command: "serve",
    env: { SPORTELLO_SMTP_URL: `smtp://127.0.0.1:${postfix.port}`, SPORTELLO_UNDO_SECONDS: String(UNDO_SECONDS) },
  });
  const { url } = product;
  await prepare(data, product);
  const shop = await startShop(url, KEY);
  const browser = await startBrowser(path.join(folder, "profile"));
  const troubles = [];
  const pages = {};
  const open = async (name, locale, width = 1440) => {
    const page = await (await browser.newContext({ locale, viewport: { width, height: 900 } })).newPage();
    page.setDefaultTimeout(15_000);
    page.setDefaultNavigationTimeout(30_000);
    listenForTrouble(page, troubles);
    pages[name] = page;
    return page;
  };
  const [visitor, agent] = [await open("visitor", "en-GB"), await open("anna", "en-GB")];
  const asked = [];
  const cookies = [];
  visitor.on("request", (request) => request.url().startsWith(url) && asked.push(request.url()));
  visitor.on("response", async (response) => {
    const sets = await response.headerValue("set-cookie").catch(() => null);
    if (sets) cookies.push(`${response.url()}: ${sets}`);
  });
  const shoot = async () => {
    if (!process.env.SPORTELLO_SHOTS) return;
    for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: path.join(process.env.SPORTELLO_SHOTS, `chat-${name}.png`) }).catch(() => {});
  };
  // Also told where no console shows it.
  await visitor.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  try {
    let frame = await findsNobody(visitor, shop, url, asked);
    await findsAnna(frame, agent, url);
    const number = await begins(visitor, frame, agent, data);
    await talks(frame, agent, number);
    frame = await reloads(visitor, frame);
    await shoot();
    await losesNetwork(visitor, frame, agent, number, data);
    await keepsNothing(agent, shop);
    const secret = await configures(agent.context(), url, data);
    await shopSpeaks(open, agent, shop, secret, data);
    await loseAgents(frame, open, agent, url, number, data);
    await asksForACall(open, shop, data);
    await goesOnByMail(frame, open, url, number, postfix, data);

    console.log("\nThe shop's page");
    // What the test cut off itself is no trouble.
    const real = troubles.filter((trouble) => !/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_RESET/.test(trouble));
    check("no errors in any console, no violation of any policy", real.length === 0, real);
    check("no cookie, neither set nor kept", cookies.length === 0 && (await visitor.context().cookies()).length === 0, [cookies, await visitor.context().cookies()]);
    const elsewhere = asked.filter((one) => !/\/chat\/shop\/|\/static\//.test(one));
    check("nothing of the desk was asked for but the chat's own", elsewhere.length === 0, elsewhere);
  } catch (error) {
    check("the journey came to its end", false, error.stack);
  }
  if (failed()) {
    await shoot();
    const complaints = product.log.split("\n").filter((line) => /"level":"(WARN|ERROR)"/.test(line));
    console.log(["\nWhat the browser and the desk had to say", ...troubles, ...complaints.slice(-40)].join("\n"));
  }
}

try {
  await travel();
} catch (error) {
  check("the journey came to its end", false, error.stack);
} finally {
  await endAll();
}
process.exitCode = summary() ? 0 : 1;
