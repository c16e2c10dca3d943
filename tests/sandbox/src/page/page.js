// The sandbox's page. It requests the changes whenever the sandbox announces a change.

import { learn as learnFields } from './check.js';
import { counted, fill, id, make } from './dom.js';
import * as extIds from './ext_ids.js';
import * as feed from './feed.js';
import { learn as learnMagic } from './magic.js';
import { forgetLoss } from './order.js';
import { keepPlace, listenToPlace } from './place.js';
import { requests } from './request.js';
import { drawLoss, drawSwitches, follow, listen } from './switches.js';

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

function drawTotals(totals) {
  const parts = [make('span', '', counted(totals.documents, 'документ', 'документа', 'документов'))];
  const alarm = (count, text) => {
    if (count) parts.push(document.createTextNode(' '), make('span', 'pill danger', text + ': ' + count));
  };
  alarm(totals.second, 'двойная печать');
  alarm(totals.changed, 'изменённых запросов');
  fill(id('totals'), ...parts);
}

// Reads the data that only a complete journal contains. The journal of a new sandbox is complete
// until something changes, so this happens only once: a selected option must stay selected.
function learn(journal) {
  const select = id('field');
  if (!journal.fields || select.options.length > 1) return;
  learnFields(journal.fields, journal.published);
  learnMagic(journal.magic || []);
  const names = new Set();
  for (const part of [journal, ...journal.published]) {
    for (const words of part.fields) if (words.type !== null) names.add(words.name);
  }
  for (const name of names) select.appendChild(make('option', '', name));
}

function drawAddresses(journal) {
  id('base-url').textContent = journal.base_url;
  const others = journal.other_base_urls.map((url) => make('code', '', url));
  id('other-base-urls').hidden = !others.length;
  if (others.length !== id('other-base-urls').querySelectorAll('code').length) {
    fill(id('other-base-urls'), make('span', '', 'с других компьютеров'), ...others);
  }
}

function drawJournal(journal) {
  for (const request of journal.requests) {
    requests.set(request.number, request);
    requests.delete(request.number - 1000);
  }
  const news = journal.requests.map((item) => ['r' + item.number, item])
    .concat(journal.events.map((item) => ['e' + item.number, item]));
  news.sort(([, one], [, other]) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
  feed.learn(news, journal.counts.received);
  extIds.learn(journal.ext_ids);
  drawTotals(journal.totals);
}

// Returns whether the whole journal has to be requested again.
function take(journal) {
  if (journal.run !== run || journal.counts.cleared !== cleared) {
    const whole = version === 0;
    forget();
    run = journal.run;
    cleared = journal.counts.cleared;
    if (!whole) return true;
  }
  version = journal.version;
  learn(journal);
  drawAddresses(journal);
  id('tls').hidden = !journal.tls;
  keepPlace(() => drawJournal(journal));
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

// All tabs share one stream, which announces changes.
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
listenToPlace();
feed.listenToFeed();
connect();
