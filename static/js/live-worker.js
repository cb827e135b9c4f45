// One connection to /live for all tabs of a browser. Runs as a SharedWorker; where that does not exist the page imports it and calls
// openLive itself. Tells of: ticket {id}, list {}, presence {ticket, people}, resync {}, and of its own: up {}, down {}.

const EVENTS = ["ticket", "list", "presence", "resync"];
const SLOWEST_RETRY = 30_000;
// The server sends `ping` events; once one was seen, silence longer than this means a dead line that the browser has not noticed.
const SILENCE = 60_000;

export function openLive(tell) {
  let source, retry, silence;
  let attempts = 0;
  let opened = false;

  const connect = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    source?.close();
    source = new EventSource("/live");
    source.onopen = () => {
      attempts = 0;
      tell("up", {});
      // Whatever happened during the gap was not told: everyone reads again.
      if (opened) tell("resync", {});
      opened = true;
    };
    source.onerror = () => {
      source.close();
      clearTimeout(silence);
      if (attempts === 2) tell("down", {});
      const wait = Math.min(SLOWEST_RETRY, 1000 * 2 ** attempts++);
      retry = setTimeout(connect, wait / 2 + (Math.random() * wait) / 2);
    };
    source.addEventListener("ping", () => {
      clearTimeout(silence);
      silence = setTimeout(connect, SILENCE);
    });
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        try {
          tell(name, JSON.parse(event.data || "{}"));
        } catch {
          tell("resync", {});
        }
      });
    }
  };
  connect();
  return {
    wake: () => source.readyState !== EventSource.OPEN && connect(),
    close: () => {
      clearTimeout(retry);
      clearTimeout(silence);
      source.close();
    },
  };
}

if (typeof SharedWorkerGlobalScope !== "undefined") {
  const ports = new Set();
  let live;
  self.onconnect = ({ ports: [port] }) => {
    ports.add(port);
    live ??= openLive((name, data) => ports.forEach((each) => each.postMessage({ name, data })));
    port.onmessage = ({ data }) => {
      if (data === "wake") live?.wake();
      if (data === "bye") {
        ports.delete(port);
        if (ports.size === 0) {
          live?.close();
          live = undefined;
        }
      }
    };
  };
}
