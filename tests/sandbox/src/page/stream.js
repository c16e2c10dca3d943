// A shared worker: one stream of events for all tabs. A browser opens at most six connections to a
// host, so a seventh stream would wait forever.

const RETRY_MS = 2000;

const tabs = [];
// The last message, which a new tab receives at once.
let last = null;

function broadcast(message) {
  last = message;
  for (const tab of tabs) tab.postMessage(message);
}

function connect() {
  const events = new EventSource('/sandbox/events');
  events.onmessage = () => broadcast('changed');
  events.onerror = () => {
    broadcast('lost');
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  };
}

onconnect = (event) => {
  const tab = event.ports[0];
  tabs.push(tab);
  if (last) tab.postMessage(last);
};
connect();
