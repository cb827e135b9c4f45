// A Postfix of our own: its own configuration, queue, log and port, nothing shared with one that the machine may run.

import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { atEnd, freePort, run } from "./processes.mjs";

const NOBODY = 65534;

/** Whether a Postfix can be run here. */
export const canRun = () => process.getuid?.() === 0 && existsSync("/usr/sbin/postfix");

async function setting(name) {
  return (await run("/usr/sbin/postconf", ["-dh", name])).trim();
}

/**
 * Starts it. Mail to `domains` is delivered into one Maildir per address; mail to `shop.domain` goes on to `shop.port`.
 * Gives `port`, `mails(address)` (each a raw mail, oldest first) and `log()`.
 */
export async function startPostfix(folder, { domains, boxes, shop }) {
  const port = await freePort();
  const [etc, queue, data, mail] = ["etc", "queue", "data", "mail"].map((name) => path.join(folder, name));
  for (const each of [folder, etc, queue, data, mail]) mkdirSync(each, { recursive: true });
  chmodSync(folder, 0o755);
  chownSync(mail, NOBODY, NOBODY);
  const owner = await setting("mail_owner");
  const uid = Number((await run("/usr/bin/id", ["-u", owner])).trim());
  chownSync(data, uid, uid);
  const log = path.join(folder, "log");
  const values = { FOLDER: folder, PORT: port, DOMAINS: domains.join(" "), SHOP: shop.domain, NOBODY };
  for (const file of ["main.cf", "master.cf"]) {
    const text = readFileSync(new URL(`../../postfix/${file}`, import.meta.url), "utf8");
    writeFileSync(path.join(etc, file), text.replace(/@([A-Z]+)@/g, (_, name) => values[name]));
  }
  writeFileSync(path.join(etc, "boxes"), boxes.map((address) => `${address} ${address}/\n`).join(""));
  writeFileSync(path.join(etc, "access"), "");
  writeFileSync(path.join(etc, "transport"), `${shop.domain} smtp:[127.0.0.1]:${shop.port}\n`);
  const readLog = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
  try {
    await run("/usr/sbin/postfix", ["-c", etc, "start"], { ms: 30_000 });
  } catch (error) {
    throw new Error(`${error.message}\n${readLog()}`);
  }
  atEnd(() => run("/usr/sbin/postfix", ["-c", etc, "stop"], { ms: 30_000 }));
  return {
    port,
    log: readLog,
    mails(address) {
      const folders = ["new", "cur"].map((part) => path.join(mail, address, part)).filter((part) => existsSync(part));
      const files = folders.flatMap((part) => readdirSync(part).map((name) => path.join(part, name)));
      // A Maildir name begins with the second, and has the microsecond in it.
      const moment = (file) => path.basename(file).replace(/^(\d+)\.\w*?M(\d+).*$/, (_, s, us) => s + us.padStart(6, "0"));
      return files.sort((a, b) => (moment(a) < moment(b) ? -1 : 1)).map((file) => readFileSync(file));
    },
  };
}
