// The page of the sandbox: what has changed is asked for whenever the sandbox says so.

import { counted, fill, id, make } from './dom.js';
import * as extIds from './ext_ids.js';
import * as feed from './feed.js';
import { learn, requests } from './request.js';
import { drawLoss, drawSwitches, follow, forgetLoss, listen } from './switches.js';

const POLL_MS = 1000;
const RETRY_MS = 2000;

let run = null;
let version = 0;
let cleared = 0;

function forget() {
  version = 0;
  requests.clear();
  extIds.forget();
  feed.forget();
}

function drawTotals(journal) {
  const { totals, counts } = journal;
  const parts = [make('span', '', counted(totals.documents, 'документ', 'документа', 'документов'))];
  const alarm = (count, text) => {
    if (count) parts.push(document.createTextNode(' '), make('span', 'pill danger', text + ': ' + count));
  };
  alarm(totals.second, 'вторых документов');
  alarm(totals.changed, 'изменённых тел');
  fill(id('totals'), ...parts);
  const shown = Math.min(counts.kept, feed.SHOWN);
  id('counts').textContent = 'получено ' + counts.received +
    (counts.received > shown ? ', показаны последние ' + shown : '');
  id('no-requests').hidden = id('feed').childElementCount > 0;
}

function take(journal) {
  if (journal.run !== run || journal.counts.cleared !== cleared) {
    const whole = version === 0;
    forget();
    run = journal.run;
    cleared = journal.counts.cleared;
    if (!whole) return true;
  }
  version = journal.version;
  // A fresh journal is whole until something happens; what is chosen must stay chosen.
  const select = id('field');
  if (journal.fields && select.options.length === 1) {
    learn(journal.fields, journal.published);
    const names = new Set();
    for (const part of [journal, ...journal.published]) {
      for (const words of part.fields) if (words.type !== null) names.add(words.name);
    }
    for (const name of names) select.appendChild(make('option', '', name));
  }
  id('base-url').textContent = journal.base_url;
  const others = journal.other_base_urls.map((url) => make('code', '', url));
  id('other-base-urls').hidden = !others.length;
  if (others.length !== id('other-base-urls').querySelectorAll('code').length) {
    fill(id('other-base-urls'), make('span', '', 'с других компьютеров'), ...others);
  }
  id('tls').hidden = !journal.tls;
  for (const request of journal.requests) {
    requests.set(request.number, request);
    requests.delete(request.number - 1000);
  }
  const news = journal.requests.map((item) => [item, 'r' + item.number])
    .concat(journal.events.map((item) => [item, 'e' + item.number]));
  news.sort(([one], [other]) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
  for (const [item, key] of news.slice(-feed.SHOWN)) feed.show(item, key);
  feed.trim();
  extIds.learn(journal.ext_ids);
  drawTotals(journal);
  drawSwitches(journal.switches);
  follow(journal.page_port);
  return false;
}

let fetching = false;
let again = false;

async function update() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    do {
      again = false;
      const response = await fetch('/sandbox/journal.json?since=' + version);
      if (take(await response.json())) again = true;
    } while (again);
    live(true);
  } catch (error) {
    live(false);
    setTimeout(update, RETRY_MS);
  } finally {
    fetching = false;
  }
}

function live(on) {
  if (on) forgetLoss();
  else drawLoss();
  const element = id('live');
  const text = on ? 'На связи' : 'Нет связи с песочницей, переподключение…';
  element.className = on ? 'live on' : 'live off';
  if (element.textContent !== text) element.textContent = text;
}

function poll() {
  setInterval(update, POLL_MS);
  update();
}

// All tabs share one stream, which says when something has changed.
function connect() {
  if (!window.SharedWorker) {
    poll();
    return;
  }
  const worker = new SharedWorker('/sandbox/stream.js');
  worker.onerror = poll;
  worker.port.onmessage = (event) => {
    if (event.data === 'changed') update();
    else live(false);
  };
}

listen();
connect();
