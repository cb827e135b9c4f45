// One connection to /live for all tabs of a browser. Runs as a SharedWorker; where that does not exist the page imports it and calls
// openLive itself. Tells of: ticket {id}, list {}, presence {ticket, people}, chat {id}, writing {ticket, text}, phone {id}, floor {}, resync {}, and of
// its own: up {}, down {}, standing {wish, sent_away, offers, alarms, approve, told, mine}, the answer to the heartbeat that says that an agent is here.

const EVENTS = ["ticket", "list", "presence", "chat", "writing", "phone", "floor", "resync"];
// The desk takes 50 s of silence for nobody being here.
const BEAT = 20_000;
// Many may come and go at once.
const BEAT_PACE = 400;
const SLOWEST_RETRY = 30_000;
// The server sends `ping` events; once one was seen, silence longer than this means a dead line that the browser has not noticed.
const SILENCE = 60_000;

export function openLive(tell) {
  let source, retry, silence;
  let attempts = 0;
  let opened = false;
  let beating, beaten, standing;

  const beat = async () => {
    clearTimeout(beating);
    beating = undefined;
    beaten = Date.now();
    try {
      const response = await fetch("/presence/beat", { method: "POST", headers: { "X-Requested-With": "sportello" } });
      if (!response.ok || response.redirected) return;
      standing = await response.json();
      tell("standing", standing);
    } catch {
      // The next one says it.
    }
  };
  const beatSoon = () => {
    beating ??= setTimeout(beat, Math.max(0, (beaten ?? 0) + BEAT_PACE - Date.now()));
  };
  const heart = setInterval(beat, BEAT);

  const connect = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    source?.close();
    source = new EventSource("/live");
    source.onopen = () => {
      attempts = 0;
      tell("up", {});
      beat();
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
        if (name === "floor" || name === "resync") beatSoon();
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
    again: () => (standing ? tell("standing", standing) : undefined),
    close: () => {
      clearInterval(heart);
      clearTimeout(beating);
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
      // A tab that came later learns how things stand.
      if (data === "hello") live?.again();
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
