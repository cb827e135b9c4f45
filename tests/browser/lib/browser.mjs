// Chromium, and what a page complains about.

import { chromium } from "playwright-core";

import { atEnd } from "./processes.mjs";
import { PASSWORD } from "./product.mjs";

const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
// What matters here of Playwright's own.
const QUIET = [
  "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding", "--disable-ipc-flooding-protection", "--mute-audio", "--hide-scrollbars", "--password-store=basic", "about:blank",
];

/**
 * Starts the browser of the system; SPORTELLO_CHROMIUM names another one. By itself Playwright takes from Chromium the storage that a frame
 * has of its own on each site, so that a frame of another site has none at all. With `profile`, a folder, it stays as people have it.
 */
export async function startBrowser(profile) {
  const browser = await chromium.launch({
    executablePath: process.env.SPORTELLO_CHROMIUM ?? "/usr/bin/chromium",
    ...(profile ? { ignoreDefaultArgs: true, args: [...ARGS, `--user-data-dir=${profile}`, ...QUIET] } : { args: ARGS }),
    timeout: 60_000,
  });
  atEnd(() => browser.close());
  return browser;
}

/** Collects errors of the console, of scripts and of the content security policy. */
export function listenForTrouble(page, troubles, name = () => page.url()) {
  page.on("console", (message) => {
    // What the address bar answers with 4xx on purpose is no error of the page's.
    const own = /status of (404|409|422) /.test(message.text()) && !/\/static\/|\.(css|js|svg)/.test(message.location().url);
    if (message.type() === "error" && !own) troubles.push(`${name()}: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => troubles.push(`${name()}: ${error.stack ?? error.message}`));
}

/** Signs an agent of the demo in and opens `to`. */
export async function signIn(page, url, email, to = "/inbox/open") {
  await page.goto(`${url}/sign-in?next=${encodeURIComponent(to)}`);
  await page.fill("[name=email]", email);
  await page.fill("[name=password]", PASSWORD);
  await page.click("main button:not([type=button])");
  await page.waitForURL((now) => !now.pathname.startsWith("/sign-in"), { timeout: 20_000 });
}
