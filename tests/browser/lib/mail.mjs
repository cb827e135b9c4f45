// As much of mail as a customer's program knows: reading a letter, sending one.

import { connect } from "node:net";

const words = (text) =>
  text.replace(/\?=\s+=\?/g, "?==?").replace(/=\?([^?]+)\?([BQ])\?([^?]*)\?=/gi, (_, charset, how, encoded) => {
    const bytes = how.toUpperCase() === "B" ? Buffer.from(encoded, "base64") : printable(encoded.replace(/_/g, " "));
    return new TextDecoder(charset).decode(bytes);
  });

function printable(text) {
  const plain = text.replace(/=\r?\n/g, "");
  const bytes = [];
  for (let at = 0; at < plain.length; at += 1) {
    if (plain[at] === "=" && /^[0-9A-F]{2}$/i.test(plain.slice(at + 1, at + 3))) {
      bytes.push(parseInt(plain.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(plain.charCodeAt(at));
  }
  return Buffer.from(bytes);
}

/** Reads a letter: `header(name)`, `type`, `parts` (of a multipart) or `text`. */
export function read(raw) {
  const source = Buffer.isBuffer(raw) ? raw.toString("latin1") : raw;
  const [, head, body = ""] = /^([\s\S]*?)\r?\n\r?\n([\s\S]*)$/.exec(source) ?? [null, source, ""];
  const headers = head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/).map((line) => /^([^:]+):\s*(.*)$/.exec(line)).filter(Boolean);
  const header = (name) => {
    const found = headers.find(([, each]) => each.toLowerCase() === name.toLowerCase());
    return found && words(Buffer.from(found[2], "latin1").toString("utf8"));
  };
  const type = header("Content-Type") ?? "text/plain";
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary) {
    const parts = body.split(`--${boundary}`).slice(1, -1).map((part) => read(part.replace(/^\r?\n/, "")));
    return { header, type, parts, text: parts.map((part) => part.text).join("\n") };
  }
  const how = (header("Content-Transfer-Encoding") ?? "7bit").toLowerCase();
  const bytes = how === "base64" ? Buffer.from(body, "base64") : how === "quoted-printable" ? printable(body) : Buffer.from(body, "latin1");
  const text = /^text\//i.test(type) ? new TextDecoder(/charset="?([\w-]+)/i.exec(type)?.[1] ?? "utf-8").decode(bytes) : "";
  return { header, type, parts: [], text: text.replace(/\r\n/g, "\n") };
}

/** The first part of a media type, at any depth. */
export const part = (letter, type) => (letter.type.toLowerCase().startsWith(type) ? letter : letter.parts.map((each) => part(each, type)).find(Boolean));

/** Hands a letter to the mail server on this machine. */
export function send(port, from, to, letter) {
  const data = letter.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..");
  const steps = ["EHLO laptop.courriel.example", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA", `${data}\r\n.`, "QUIT"];
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(20_000, () => socket.destroy(new Error("the mail server is silent")));
    let buffer = "";
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (bytes) => {
      buffer += bytes;
      if (!/^\d{3} .*\r\n$/m.test(buffer)) return;
      const answer = buffer;
      buffer = "";
      if (/^[45]/.test(answer)) return socket.destroy(new Error(`the mail server said ${answer.trim()}`));
      const step = steps.shift();
      if (step === undefined) socket.end();
      else socket.write(`${step}\r\n`);
    });
  });
}
