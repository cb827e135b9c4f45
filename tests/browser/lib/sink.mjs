// A mail server that takes everything and keeps nothing, but refuses what goes to one domain for good.

import { createServer } from "node:net";

import { atEnd } from "./processes.mjs";

/** Starts it and gives its port. */
export function startSink(refused) {
  const server = createServer((socket) => {
    let letter = false;
    let buffer = "";
    socket.on("error", () => {});
    socket.write("220 sink.example ESMTP\r\n");
    socket.on("data", (bytes) => {
      buffer += bytes;
      for (let end = buffer.indexOf("\r\n"); end >= 0; end = buffer.indexOf("\r\n")) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (letter) {
          if (line !== ".") continue;
          letter = false;
          socket.write("250 2.0.0 taken\r\n");
        } else if (/^(ehlo|helo)/i.test(line)) socket.write("250 sink.example\r\n");
        else if (/^data/i.test(line)) {
          letter = true;
          socket.write("354 go on\r\n");
        } else if (/^rcpt/i.test(line) && line.includes(`@${refused}>`)) socket.write("550 5.1.1 The mailbox does not exist\r\n");
        else if (/^quit/i.test(line)) socket.end("221 bye\r\n");
        else socket.write("250 2.0.0 ok\r\n");
      }
    });
  });
  atEnd(() => server.close());
  return new Promise((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", () => resolve(server.address().port)));
}
