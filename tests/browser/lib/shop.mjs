// A shop's page on an origin of its own, as strict and as rude as shops are: a content policy that lets in the desk and nothing else, and a
// sheet that restyles everything it can reach.

import { createServer } from "node:http";

import { atEnd } from "./processes.mjs";

const page = (script) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Arno boots, Bottega Ginestra</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/shop.css">
  <script async src="${script}"></script>
</head>
<body>
  <header><h1>Bottega Ginestra</h1></header>
  <main><article><h2>Arno boots</h2><p>Hand-stitched, 189 €.</p><button type="button">Into the cart</button></article></main>
</body>
</html>
`;

const CSS = `
body *, sportello-chat, sportello-chat *, iframe, dialog, [role=dialog], html > *:not(head):not(body) {
  all: unset !important; position: static !important; display: inline !important; visibility: hidden !important; opacity: 0.1 !important;
  width: 3px !important; height: 3px !important; max-width: 3px !important; transform: rotate(40deg) scale(3) !important; z-index: -1 !important;
  color: transparent !important; background: lime !important; font: italic 40px/3 cursive !important; pointer-events: none !important;
  filter: blur(9px) !important; clip-path: circle(1px) !important; letter-spacing: 1em !important; text-transform: uppercase !important;
}
body { overflow-x: hidden; margin: 0; }
main, main *, header, header * { visibility: visible !important; }
`;

/** Serves it. Gives `url`, `policy`, and `requests`: the paths that were asked for. */
export function startShop(desk, key) {
  const policy = [
    "default-src 'none'",
    `script-src ${desk}`,
    `frame-src ${desk}`,
    "style-src 'self'",
    "img-src data:",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    if (request.url === "/shop.css") return response.writeHead(200, { "Content-Type": "text/css" }).end(CSS);
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy }).end(page(`${desk}/chat/${key}/widget.js`));
  });
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve, reject) =>
    server.on("error", reject).listen(0, "127.0.0.1", () => resolve({ url: `http://127.0.0.1:${server.address().port}`, policy, requests })),
  );
}
