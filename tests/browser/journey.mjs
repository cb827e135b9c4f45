// The journey that the product is for, once, with a real browser and a real mail server: a customer writes by the form on the shop's page,
// an agent answers from the inbox with a canned reply, the mail arrives, the customer answers it, and the answer is in the same ticket.
//
//   node tests/browser/journey.mjs
//
// Needs Chromium (SPORTELLO_CHROMIUM names another one), Postfix, and root for Postfix. SPORTELLO_BIN names another binary than
// target/debug/sportello.

import path from "node:path";

import { listenForTrouble, signIn, startBrowser } from "./lib/browser.mjs";
import { check, checkThat, summary } from "./lib/checks.mjs";
import { part, read, send } from "./lib/mail.mjs";
import { canRun, startPostfix } from "./lib/postfix.mjs";
import { endAll, freePort, sleep, until } from "./lib/processes.mjs";
import { ROOT, scratch, startProduct } from "./lib/product.mjs";

const CUSTOMER = "giovanna.esposito@courriel.example";
const SHOP_DOMAIN = "bottegaginestra.example";
const GIULIA = "giulia@bottegaginestra.example";
const DANIEL = "daniel@bottegaginestra.example";
const SUBJECT_WORD = "stivaletti";
/** How long something may take to appear by itself on an agent's screen. */
const LIVE = 20_000;
/** The customer's page asks every fifteen seconds. */
const CUSTOMER_LIVE = 25_000;
/** Mail goes through a queue. */
const MAIL = 30_000;
const UNDO_SECONDS = 3;

const WORDS = `Buongiorno,

gli ${SUBJECT_WORD} Arno sono arrivati con un graffio sulla punta, si vede nella foto.
Il pacco era intatto. È possibile cambiarli?

Grazie mille
Giovanna`;
const ANSWER = "Perfetto, grazie! Aspetto il corriere: è previsto per giovedì?";

/** Runs `wait` and prints how long it took since `began`. */
async function timed(what, began, wait) {
  return checkThat(what, async () => {
    const result = await wait();
    console.log(`        after ${Date.now() - began} ms`);
    return result;
  });
}

async function writeByForm(customer, url) {
  console.log("\nThe customer writes");
  await customer.goto(`${url}/demo`);
  check("the shop's page is open", (await customer.title()).includes("Bottega Ginestra"));
  const form = customer.frameLocator("iframe.contact-frame, iframe");
  await form.locator("#name").scrollIntoViewIfNeeded();
  check("the form in it speaks Italian", (await form.locator("label[for=name]").innerText()).toLowerCase().includes("nome"), await form.locator("label[for=name]").innerText());
  await form.locator(".actions .button").click();
  await form.locator("#problems").waitFor();
  check("an empty form says what is missing, in place", (await form.locator(".field-error").count()) >= 2);
  await form.locator("#name").fill("Giovanna Esposito");
  await form.locator("#email").fill(CUSTOMER);
  await form.locator("#topic").selectOption("damaged");
  await form.locator("#message").fill(WORDS);
  await form.locator("#files").setInputFiles(path.join(ROOT, "src/demo/files/scratch.png"));
  // Nobody fills in a form within two seconds, and the product knows.
  await sleep(2500);
  const sentAt = Date.now();
  await form.locator(".actions .button").click();
  await form.locator("#done").waitFor();
  const number = /(\d+)/.exec(await form.locator(".reference").innerText())?.[1];
  check("the receipt has a number", Boolean(number), await form.locator(".reference").innerText());
  const link = await form.locator(".actions a.button").first().getAttribute("href");
  check("and a link of its own", Boolean(link));
  return { number, link: new URL(link, url).href, sentAt };
}

async function appearsInInbox(agent, number, sentAt) {
  console.log("\nThe agent, whose inbox was open");
  await timed("the ticket appears in the inbox by itself", sentAt, () => agent.locator(`#row-${number}`).waitFor({ timeout: LIVE }));
  check("the page was not loaded anew", await agent.evaluate(() => window.marked === true));
  let focused = "";
  for (let step = 0; step < 60 && focused !== `row-${number}`; step += 1) {
    await agent.keyboard.press("j");
    focused = await agent.evaluate(() => document.activeElement.id);
  }
  check("j moves down to it", focused === `row-${number}`, focused);
  await agent.keyboard.press("Enter");
  await checkThat("Enter opens it", () => agent.waitForURL((url) => url.pathname === `/tickets/${number}`));
  const letter = agent.locator("#thread .letter").first();
  await letter.waitFor();
  check("the customer's words are there", (await letter.innerText()).includes("graffio sulla punta"));
  const picture = agent.locator("#thread .picture img").first();
  await checkThat("and the picture", () => picture.waitFor());
  await picture.scrollIntoViewIfNeeded();
  await checkThat("which can be seen", () => until("the picture", 5000, () => picture.evaluate((img) => img.complete && img.naturalWidth > 0)));
}

async function writeAnswer(agent, second, url, number) {
  console.log("\nThe answer");
  await second.goto(`${url}/tickets/${number}`);
  await checkThat("each sees that the other is here", () => agent.locator("[data-presence]", { hasText: "Daniel" }).waitFor({ timeout: LIVE }));
  await agent.keyboard.press("r");
  const field = agent.locator("[data-body]");
  check("r goes to the composer", await field.evaluate((node) => node === document.activeElement));
  const began = Date.now();
  await field.pressSequentially("#");
  await checkThat("# opens the canned replies", () => agent.locator("#canned [role=option]").first().waitFor({ timeout: LIVE }));
  const all = await agent.locator("#canned [role=option]").count();
  await timed("the colleague sees the typing", began, () => second.locator(".presence-person--typing", { hasText: "Giulia" }).waitFor({ timeout: LIVE }));
  await field.pressSequentially("dmgd");
  await until("the narrowed list", LIVE, async () => (await agent.locator("#canned [role=option]").count()) < all);
  const chosen = await agent.locator('#canned [aria-selected="true"]').innerText();
  check("scattered letters find the right one", /damaged/i.test(chosen), chosen);
  await agent.keyboard.press("Enter");
  await agent.locator("#canned").waitFor({ state: "detached" });
  const text = await field.inputValue();
  check("it is in Italian, its variables are filled", text.includes("Giovanna") && text.includes("Giulia") && !text.includes("{{") && !text.includes("#dmgd"), text);
  await checkThat("the draft is saved", () => agent.locator("[data-draft]", { hasText: "Saved" }).waitFor({ timeout: LIVE }));
  await agent.reload();
  check("and survives a reload", (await field.inputValue()) === text, await field.inputValue());
  return text;
}

async function keepsTwoDrafts(agent, reply) {
  const field = agent.locator("[data-body]");
  await agent.locator("body").press("Escape");
  await field.blur();
  await agent.keyboard.press("n");
  check("a note begins empty beside the reply", (await field.inputValue()) === "", await field.inputValue());
  await field.pressSequentially("Solo per noi: foto chiara.");
  await checkThat("the note is saved too", () => agent.locator("[data-draft]", { hasText: "Saved" }).waitFor({ timeout: LIVE }));
  await agent.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await field.blur();
  await agent.keyboard.press("r");
  check("the reply is as it was", (await field.inputValue()) === reply, await field.inputValue());
  await agent.reload();
  check("after a reload it is still the reply", (await field.inputValue()) === reply, await field.inputValue());
  await field.blur();
  await agent.keyboard.press("n");
  check("and the note is where it was", (await field.inputValue()).startsWith("Solo per noi"), await field.inputValue());
  // Something happens elsewhere meanwhile: a note must not become a reply by it.
  await agent.evaluate(() => fetch(`${location.pathname}/priority`, { method: "POST", body: new URLSearchParams({ priority: "high" }), headers: { "X-Requested-With": "sportello" } }));
  await sleep(1500);
  check("a live update leaves it a note", await agent.locator('[name=note][value="1"]').isChecked());
  await field.fill("");
  await sleep(1000);
  await field.blur();
  await agent.keyboard.press("r");
}

async function undoes(agent, url, number, text) {
  console.log("\nSent, taken back, sent");
  const field = agent.locator("[data-body]");
  await field.focus();
  await agent.keyboard.press("Control+Enter");
  await checkThat("after sending, the next ticket or the list opens", () => agent.waitForURL((now) => now.pathname !== `/tickets/${number}`));
  await checkThat("a toast offers to take it back", () => agent.locator(".toast", { hasText: `#${number}` }).getByRole("button", { name: "Undo" }).click({ timeout: LIVE }));
  await checkThat("which brings one back to the ticket", () => agent.waitForURL((now) => now.pathname === `/tickets/${number}`));
  await checkThat("with the text in the composer", () => until("the text", LIVE, async () => (await field.inputValue()).trim() === text.trim()));
  check("and nothing of it in the conversation", (await agent.locator("#thread .letter--out", { hasText: text.slice(20, 60) }).count()) === 0);
  await sleep(UNDO_SECONDS * 1000 + 1500);
  return field;
}

async function collides(agent, second, url, number) {
  console.log("\nTwo agents at once");
  const typed = "Buongiorno Giovanna, mando";
  await agent.goto(`${url}/tickets/${number}`);
  await agent.locator("[data-body]").fill("");
  await agent.locator("[data-body]").pressSequentially(typed);
  await agent.locator("[data-draft]", { hasText: "Saved" }).waitFor({ timeout: LIVE });
  // The first agent's screen is deaf for a moment, as after a lost connection: the collision is found when sending.
  await agent.route("**/tickets/*", (route) => (route.request().method() === "GET" ? route.abort() : route.continue()));
  await second.goto(`${url}/tickets/${number}`);
  await second.locator("[data-body]").fill("Buongiorno Giovanna, il corriere passa giovedì.");
  await second.locator("[data-body]").press("Control+Enter");
  await second.waitForURL((now) => now.pathname !== `/tickets/${number}`);
  await sleep(800);
  const answered = agent.waitForResponse((response) => response.url().endsWith(`/tickets/${number}/reply`), { timeout: 20_000 });
  await agent.locator("[data-body]").press("Control+Enter");
  const { status } = await answered.then((response) => ({ status: response.status() }));
  check("a reply over a newer message is not sent: 409", status === 409, status);
  await checkThat("what arrived is shown first", () => agent.locator(".collision", { hasText: "il corriere passa giovedì" }).waitFor({ timeout: LIVE }));
  check("the text is kept", (await agent.locator("[data-body]").inputValue()) === typed, await agent.locator("[data-body]").inputValue());
  await agent.unroute("**/tickets/*");
  await agent.locator("[data-body]").press("Control+Enter");
  await checkThat("and goes out when sent again", () => agent.waitForURL((now) => now.pathname !== `/tickets/${number}`));
}

async function receives(postfix, number, text) {
  console.log("\nThe mail");
  const letters = () => postfix.mails(CUSTOMER).map(read);
  await checkThat("the acknowledgement arrived", () => until("mail", MAIL, () => letters().some((letter) => letter.header("Auto-Submitted"))));
  await checkThat("the answer arrived", () => until("mail", MAIL, () => letters().some((letter) => !letter.header("Auto-Submitted"))));
  const acknowledgement = letters().find((letter) => letter.header("Auto-Submitted"));
  check("the acknowledgement names the ticket and is marked automatic", acknowledgement?.text.includes(number) && acknowledgement.header("Auto-Submitted") === "auto-replied");
  const answers = letters().filter((letter) => !letter.header("Auto-Submitted"));
  check("what was taken back was sent once", answers.length === 1, answers.length);
  const [answer] = answers;
  if (!answer) return undefined;
  const first = text.trim().split("\n").find((line) => line.length > 30);
  const plain = part(answer, "text/plain");
  const html = part(answer, "text/html");
  check("it is text and HTML side by side", answer.type.startsWith("multipart/alternative") && plain && html, answer.type);
  check("with the canned words", plain?.text.includes(first) && html?.text.length > 0, plain?.text);
  check("and the customer's own below", plain?.text.includes("> gli stivaletti Arno"), plain?.text);
  check("from the shop", answer.header("From").includes(`ciao@${SHOP_DOMAIN}`), answer.header("From"));
  check("the subject names the ticket", answer.header("Subject").includes(`#${number}`), answer.header("Subject"));
  check("Reply-To carries the thread", new RegExp(`ciao\\+[\\w.-]+@${SHOP_DOMAIN}`).test(answer.header("Reply-To") ?? ""), answer.header("Reply-To"));
  check("In-Reply-To and References name what it answers", /^<.+>$/.test(answer.header("In-Reply-To") ?? "") && (answer.header("References") ?? "").includes(answer.header("In-Reply-To")), [answer.header("In-Reply-To"), answer.header("References")]);
  check("its id is of the shop's domain", answer.header("Message-ID").endsWith(`@${SHOP_DOMAIN}>`), answer.header("Message-ID"));
  return answer;
}

async function answersByMail(agent, customer, postfix, url, number, letter, link) {
  console.log("\nThe customer answers by mail");
  await agent.goto(`${url}/tickets/${number}`);
  await customer.goto(link);
  await agent.evaluate(() => (window.marked = true));
  const to = /<?([^<>\s]+@[^<>\s]+)>?$/.exec(letter.header("Reply-To") ?? letter.header("From"))[1];
  const quoted = part(letter, "text/plain").text.split("\n").map((line) => `> ${line}`).join("\n");
  const raw = [
    `From: Giovanna Esposito <${CUSTOMER}>`,
    `To: <${to}>`,
    `Subject: Re: ${letter.header("Subject").replace(/[^\x20-\x7e]/g, "")}`,
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <risposta.${Date.now()}@courriel.example>`,
    `In-Reply-To: ${letter.header("Message-ID")}`,
    `References: ${letter.header("References")} ${letter.header("Message-ID")}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    ANSWER,
    "",
    `Il giorno 22 nov 2026, alle ore 10:00, Bottega Ginestra <${to}> ha scritto:`,
    quoted,
    "",
  ].join("\r\n");
  const sentAt = Date.now();
  await send(postfix.port, CUSTOMER, to, raw);
  const arrived = agent.locator("#thread .letter", { hasText: "è previsto per giovedì?" });
  await timed("the answer appears in the same ticket on the open screen", sentAt, () => arrived.waitFor({ timeout: MAIL }));
  check("the page was not loaded anew", await agent.evaluate(() => window.marked === true));
  await arrived.evaluate((node) => (node.open = true));
  const shown = await arrived.locator(".letter-body > .prose").innerText();
  check("its own words stand alone, the quoted ones are folded", shown.includes(ANSWER) && !shown.includes("ha scritto"), shown);
  check("the ticket is open again", (await agent.locator("select[name=status]").inputValue()) === "open", await agent.locator("select[name=status]").inputValue());
  await timed("it appears on the customer's page by itself", sentAt, () => customer.locator(".talk", { hasText: "è previsto per giovedì?" }).waitFor({ timeout: CUSTOMER_LIVE }));
}

async function travel() {
  if (!canRun()) throw new Error("this needs Postfix, started by root");
  const folder = scratch();
  const smtpPort = await freePort();
  const postfix = await startPostfix(path.join(folder, "postfix"), { domains: ["courriel.example"], boxes: [CUSTOMER], shop: { domain: SHOP_DOMAIN, port: smtpPort } });
  const product = await startProduct({
    data: path.join(folder, "data"),
    smtpPort,
    env: { SPORTELLO_SMTP_URL: `smtp://127.0.0.1:${postfix.port}`, SPORTELLO_UNDO_SECONDS: String(UNDO_SECONDS) },
  });
  const { url } = product;
  const browser = await startBrowser();
  const troubles = [];
  const open = async (locale) => {
    const page = await (await browser.newContext({ locale, viewport: { width: 1440, height: 900 } })).newPage();
    page.setDefaultTimeout(15_000);
    page.setDefaultNavigationTimeout(30_000);
    listenForTrouble(page, troubles);
    return page;
  };
  const [customer, agent, second] = [await open("it-IT"), await open("en-GB"), await open("en-GB")];
  try {
    await signIn(agent, url, GIULIA, "/inbox/unassigned");
    await agent.evaluate(() => (window.marked = true));
    await signIn(second, url, DANIEL, "/inbox/open");

    const { number, link, sentAt } = await writeByForm(customer, url);
    await appearsInInbox(agent, number, sentAt);
    await customer.goto(link);
    check("the customer's page shows the conversation", (await customer.locator(".talk").innerText()).includes("graffio sulla punta"));
    const text = await writeAnswer(agent, second, url, number);
    await keepsTwoDrafts(agent, text);
    const field = await undoes(agent, url, number, text);
    check("nothing was sent meanwhile", postfix.mails(CUSTOMER).map(read).every((letter) => letter.header("Auto-Submitted")));
    await field.focus();
    await agent.keyboard.press("Control+Enter");
    await agent.waitForURL((now) => now.pathname !== `/tickets/${number}`);
    const letter = await receives(postfix, number, text);
    if (letter) await answersByMail(agent, customer, postfix, url, number, letter, link);
    await collides(agent, second, url, number);
    // What the test cut off itself is no trouble.
    const real = troubles.filter((trouble) => !trouble.includes("ERR_FAILED"));
    check("no errors in any console", real.length === 0, real);
  } catch (error) {
    for (const [name, page] of Object.entries({ customer, agent, second })) {
      if (process.env.SPORTELLO_SHOTS) await page.screenshot({ path: path.join(process.env.SPORTELLO_SHOTS, `journey-${name}.png`) }).catch(() => {});
    }
    const complaints = product.log.split("\n").filter((line) => /"level":"(WARN|ERROR)"/.test(line));
    console.log(complaints.slice(-20).join("\n"));
    console.log(postfix.log().split("\n").slice(-20).join("\n"));
    throw error;
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
