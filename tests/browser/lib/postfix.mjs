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
  const main = {
    compatibility_level: "3.6",
    queue_directory: queue,
    data_directory: data,
    maillog_file: log,
    maillog_file_prefixes: folder,
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    myhostname: "mail.courriel.example",
    mydestination: "",
    mynetworks: "127.0.0.0/8",
    alias_maps: "",
    alias_database: "",
    local_transport: "error:no local mail here",
    local_recipient_maps: "",
    virtual_mailbox_domains: domains.join(" "),
    virtual_mailbox_base: mail,
    virtual_mailbox_maps: `texthash:${etc}/boxes`,
    virtual_uid_maps: `static:${NOBODY}`,
    virtual_gid_maps: `static:${NOBODY}`,
    relay_domains: shop.domain,
    transport_maps: `texthash:${etc}/transport`,
    smtp_host_lookup: "native",
    smtp_dns_support_level: "disabled",
    smtp_tls_security_level: "may",
    smtpd_peername_lookup: "no",
    smtpd_recipient_restrictions: "permit_mynetworks, reject",
    message_size_limit: "40000000",
    mailbox_size_limit: "0",
    virtual_mailbox_limit: "0",
    queue_run_delay: "2s",
    minimal_backoff_time: "2s",
    maximal_backoff_time: "4s",
  };
  writeFileSync(path.join(etc, "main.cf"), Object.entries(main).map(([name, value]) => `${name} = ${value}\n`).join(""));
  writeFileSync(path.join(etc, "boxes"), boxes.map((address) => `${address} ${address}/\n`).join(""));
  writeFileSync(path.join(etc, "transport"), `${shop.domain} smtp:[127.0.0.1]:${shop.port}\n`);
  const services = [
    [`127.0.0.1:${port}`, "inet", "n", "-", "n", "-", "-", "smtpd"],
    ["pickup", "unix", "n", "-", "n", "60", "1", "pickup"],
    ["cleanup", "unix", "n", "-", "n", "-", "0", "cleanup"],
    ["qmgr", "unix", "n", "-", "n", "300", "1", "qmgr"],
    ["tlsmgr", "unix", "-", "-", "n", "1000?", "1", "tlsmgr"],
    ["rewrite", "unix", "-", "-", "n", "-", "-", "trivial-rewrite"],
    ["bounce", "unix", "-", "-", "n", "-", "0", "bounce"],
    ["defer", "unix", "-", "-", "n", "-", "0", "bounce"],
    ["trace", "unix", "-", "-", "n", "-", "0", "bounce"],
    ["verify", "unix", "-", "-", "n", "-", "1", "verify"],
    ["flush", "unix", "n", "-", "n", "1000?", "0", "flush"],
    ["proxymap", "unix", "-", "-", "n", "-", "-", "proxymap"],
    ["proxywrite", "unix", "-", "-", "n", "-", "1", "proxymap"],
    ["smtp", "unix", "-", "-", "n", "-", "-", "smtp"],
    ["relay", "unix", "-", "-", "n", "-", "-", "smtp"],
    ["showq", "unix", "n", "-", "n", "-", "-", "showq"],
    ["error", "unix", "-", "-", "n", "-", "-", "error"],
    ["retry", "unix", "-", "-", "n", "-", "-", "error"],
    ["discard", "unix", "-", "-", "n", "-", "-", "discard"],
    ["virtual", "unix", "-", "n", "n", "-", "-", "virtual"],
    ["anvil", "unix", "-", "-", "n", "-", "1", "anvil"],
    ["scache", "unix", "-", "-", "n", "-", "1", "scache"],
    ["postlog", "unix-dgram", "n", "-", "n", "-", "1", "postlogd"],
  ];
  writeFileSync(path.join(etc, "master.cf"), services.map((line) => `${line.join(" ")}\n`).join(""));
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
