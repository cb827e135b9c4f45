// The product itself, with the demo's shop in it or empty.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { atEnd, freePort, run, start, until } from "./processes.mjs";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const PASSWORD = "sportello-demo";

/** A folder that is gone at the end. */
export function scratch() {
  const folder = mkdtempSync(path.join(tmpdir(), "sportello-browser-"));
  // The private Postgres and the mail server run as users of their own.
  chmodSync(folder, 0o755);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts `sportello demo`, or another command that serves, on free ports. */
export async function startProduct({ data, env = {}, smtpPort, command = "demo" }) {
  const program = process.env.SPORTELLO_BIN ?? path.join(ROOT, "target/debug/sportello");
  if (!existsSync(program)) throw new Error(`${program} is not there: cargo build, or set SPORTELLO_BIN`);
  const [port, smtp] = [await freePort(), smtpPort ?? (await freePort())];
  const clean = { ...process.env };
  // A database of the developer's is not for the demo.
  for (const name of Object.keys(clean)) if (name === "DATABASE_URL" || name.startsWith("SPORTELLO_")) delete clean[name];
  for (const name of ["SPORTELLO_POSTGRES_BIN", "SPORTELLO_POSTGRES_USER"]) if (process.env[name]) clean[name] = process.env[name];
  const args = [command, "--data", data, "--listen", `127.0.0.1:${port}`, "--smtp-listen", `127.0.0.1:${smtp}`];
  const started = start(program, args, { env: { ...clean, ...env } });
  const url = `http://localhost:${port}`;
  try {
    await until("the desk", 120_000, async () => {
      if (started.child.exitCode !== null) throw new Error("sportello ended");
      return started.log.includes("Sportello is ready") && fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).then(({ ok }) => ok, () => false);
    });
  } catch (error) {
    throw new Error(`${error.message}\n${started.log}`);
  }
  return { url, smtpPort: smtp, get log() { return started.log; } };
}

/** Runs SQL in the private cluster of a product that runs on `data`; gives what it prints. */
export async function query(data, sql) {
  // Line 4 is the port, line 5 the socket's folder.
  const lines = readFileSync(path.join(data, "postgres/cluster/postmaster.pid"), "utf8").split("\n");
  const text = await run("psql", ["-h", lines[4], "-p", lines[3], "-U", "sportello", "-d", "sportello", "-XqAt", "-v", "ON_ERROR_STOP=1"], { input: sql });
  return text.trim();
}
