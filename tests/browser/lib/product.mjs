// The product itself, with the demo's shop in it.

import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { atEnd, freePort, start, until } from "./processes.mjs";

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

/** Starts `sportello demo` on free ports. */
export async function startProduct({ data, env = {}, smtpPort }) {
  const program = process.env.SPORTELLO_BIN ?? path.join(ROOT, "target/debug/sportello");
  if (!existsSync(program)) throw new Error(`${program} is not there: cargo build, or set SPORTELLO_BIN`);
  const [port, smtp] = [await freePort(), smtpPort ?? (await freePort())];
  const clean = { ...process.env };
  // A database of the developer's is not for the demo.
  for (const name of Object.keys(clean)) if (name === "DATABASE_URL" || name.startsWith("SPORTELLO_")) delete clean[name];
  for (const name of ["SPORTELLO_POSTGRES_BIN", "SPORTELLO_POSTGRES_USER"]) if (process.env[name]) clean[name] = process.env[name];
  const args = ["demo", "--data", data, "--listen", `127.0.0.1:${port}`, "--smtp-listen", `127.0.0.1:${smtp}`];
  const started = start(program, args, { env: { ...clean, ...env } });
  const url = `http://localhost:${port}`;
  try {
    await until("the demo", 120_000, async () => {
      if (started.child.exitCode !== null) throw new Error("sportello ended");
      return started.log.includes("Sportello is ready") && fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).then(({ ok }) => ok, () => false);
    });
  } catch (error) {
    throw new Error(`${error.message}\n${started.log}`);
  }
  return { url, smtpPort: smtp, get log() { return started.log; } };
}
