// Programs that a test starts, and that end with it whatever happens.

import { spawn } from "node:child_process";
import { createServer } from "node:net";

const endings = [];

/** Runs `end` when the test ends, the last one first. */
export const atEnd = (end) => endings.push(end);

/** Ends everything that was started. Each ending has its own bound. */
export async function endAll() {
  while (endings.length) {
    try {
      await endings.pop()();
    } catch (error) {
      console.error(`while ending: ${error.message}`);
    }
  }
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => endAll().finally(() => process.exit(1)));

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks every 100 ms until `ask` gives something; fails after `ms`. */
export async function until(what, ms, ask) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
    await sleep(100);
  }
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs a program to its end. */
export function run(program, args, { ms = 20_000, input } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (data) => (text += data));
    child.stderr.on("data", (data) => (text += data));
    const timer = setTimeout(() => child.kill("SIGKILL"), ms);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}: ${text}`));
    });
    child.stdin.end(input);
  });
}

/** Starts a program that stays; it is told to stop at the end, and made to if it does not. */
export function start(program, args, { env = process.env, patience = 15_000 } = {}) {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const started = { child, log: "" };
  child.stdout.on("data", (data) => (started.log += data));
  child.stderr.on("data", (data) => (started.log += data));
  child.on("error", (error) => (started.log += error.message));
  const gone = new Promise((resolve) => child.on("close", resolve));
  atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill("SIGTERM");
    if ((await Promise.race([gone, sleep(patience).then(() => "late")])) === "late") {
      process.kill(-child.pid, "SIGKILL");
      await gone;
    }
  });
  return started;
}
