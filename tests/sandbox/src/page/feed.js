// The table of requests and events, the newest first. A row opens to its details.

import { all } from './detail.js';
import { cell, counted, fill, id, make, setText } from './dom.js';
import { eventCells, eventDetail } from './event.js';
import { isOn, listenToFilter, matches } from './filter.js';
import { added, forget as forgetPlace, isHolding, keepPlace, stop } from './place.js';
import { cellsOf, isBad } from './request.js';

const SHOWN = 200;
// As many requests and events as the sandbox keeps, so that a row that is being read is not
// removed.
const KNOWN = 2000;

// By key: all items, their rows, the keys of open rows, and the items that arrived during a pause.
const items = new Map();
const rows = new Map();
const open = new Set();
const waiting = new Map();
let paused = false;
let received = 0;

const isRequest = (key) => key[0] === 'r';
const isShown = (key) => matches(items.get(key), isRequest(key));

export function forget() {
  items.clear();
  rows.clear();
  open.clear();
  waiting.clear();
  id('feed').textContent = '';
  forgetPlace();
}

function toggle(key, number) {
  const button = make('button', '', number);
  button.type = 'button';
  button.setAttribute('aria-label', isRequest(key) ? 'Запрос ' + number + ': подробно' : 'Подробно');
  button.addEventListener('click', (event) => {
    event.stopPropagation();
    if (!open.delete(key)) open.add(key);
    draw(rows.get(key));
  });
  return button;
}

// Fills a row, and the row below it with the details.
function draw(row) {
  const { key, line, detail, button } = row;
  const item = items.get(key);
  while (line.children.length > 1) line.removeChild(line.lastChild);
  for (const one of isRequest(key) ? cellsOf(item) : eventCells(item)) line.appendChild(one);
  const bad = isRequest(key) && isBad(item);
  line.className = 'entry' + (bad ? ' bad' : '') + (isRequest(key) ? '' : ' beside');
  const isOpen = open.has(key);
  button.setAttribute('aria-expanded', String(isOpen));
  detail.hidden = !isOpen;
  fill(detail.firstChild, isOpen && (isRequest(key) ? all(item) : eventDetail(item)));
}

function rowFor(key) {
  const item = items.get(key);
  const button = toggle(key, isRequest(key) ? item.number : '·');
  const line = make('tr', 'entry', cell('№', 'number', button));
  // Selecting text does not open the row.
  line.addEventListener('click', () => { if (getSelection().isCollapsed) button.click(); });
  const below = make('td', '');
  below.colSpan = 5;
  const row = { key, line, button, detail: make('tr', 'detail', below) };
  line.dataset.time = item.time;
  line.dataset.key = key;
  rows.set(key, row);
  draw(row);
  return row;
}

function remove(key) {
  const row = rows.get(key);
  if (!row) return;
  rows.delete(key);
  row.line.remove();
  row.detail.remove();
}

function insert(row) {
  // The newest row is first, and most rows are inserted there.
  const feed = id('feed');
  const known = feed.getElementsByClassName('entry');
  const { time } = row.line.dataset;
  let next = 0;
  while (next < known.length && known[next].dataset.time > time) next += 1;
  const before = known[next] || null;
  feed.insertBefore(row.line, before);
  feed.insertBefore(row.detail, before);
  added();
}

function trim() {
  const known = id('feed').getElementsByClassName('entry');
  const most = isHolding() ? KNOWN : SHOWN;
  while (known.length > most) {
    const { key } = known[known.length - 1].dataset;
    open.delete(key);
    remove(key);
  }
}

function show(key) {
  if (!isShown(key)) remove(key);
  else if (rows.has(key)) draw(rows.get(key));
  else insert(rowFor(key));
}

// Redraws all visible rows.
function redraw() {
  const newest = Array.from(items.keys()).filter(isShown)
    .sort((one, other) => (items.get(one).time < items.get(other).time ? 1 : -1));
  const keys = newest.slice(0, SHOWN);
  const kept = new Set(keys);
  for (const key of Array.from(rows.keys())) if (!kept.has(key)) remove(key);
  for (const key of keys) {
    const row = rows.get(key) || rowFor(key);
    id('feed').append(row.line, row.detail);
  }
}

function drawCounts() {
  const shown = rows.size;
  const found = isOn() ? Array.from(items.keys()).filter(isShown).length : items.size;
  const last = found > shown ? ', показаны последние ' + shown : '';
  setText('counts', isOn() ? 'найдено ' + found + ' из ' + items.size + last : 'получено ' + received + last);
  // Screen readers announce the result of a search, but not each new request.
  id('counts').setAttribute('aria-live', isOn() ? 'polite' : 'off');
  const none = id('no-requests');
  none.hidden = shown > 0;
  none.textContent = isOn() ? 'Ничего не найдено.' : 'Запросов ещё не было. Запустите кассу с этим base_url.';
  setText('pause', !paused ? 'Пауза' : 'Продолжить' + (waiting.size ? ': новых ' + waiting.size : ''));
}

function take(news) {
  for (const [key, item] of news) items.set(key, item);
  if (news.length > SHOWN) redraw();
  else for (const [key] of news) show(key);
  for (const key of items.keys()) {
    if (items.size <= KNOWN) break;
    items.delete(key);
    open.delete(key);
    remove(key);
  }
  trim();
}

// Takes the changes, the oldest first, and the total number of requests.
export function learn(news, count) {
  received = count;
  const isNew = ([key]) => !items.has(key);
  if (paused) for (const [key, item] of news.filter(isNew)) waiting.set(key, item);
  take(paused ? news.filter((one) => !isNew(one)) : news);
  drawCounts();
}

function pause() {
  paused = !paused;
  stop(paused);
  id('pause').classList.toggle('on', paused);
  keepPlace(() => {
    if (!paused) {
      take(Array.from(waiting));
      waiting.clear();
    }
    drawCounts();
  });
}

export function listenToFeed() {
  id('pause').addEventListener('click', pause);
  listenToFilter(() => {
    id('list').scrollTop = 0;
    forgetPlace();
    redraw();
    drawCounts();
  });
}
