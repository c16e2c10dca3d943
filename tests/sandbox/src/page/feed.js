// The table of requests and events, the newest first; a row opens to all that is known of it.

import { fill, id, make } from './dom.js';
import { allBeside, cellsBeside } from './event.js';
import { all, cellsOf, isChanged, isSecond } from './request.js';

export const SHOWN = 200;

// The rows by key, and which are open.
const rows = new Map();
const open = new Set();

export function forget() {
  rows.clear();
  open.clear();
  id('feed').textContent = '';
}

function toggle(key, number) {
  const button = make('button', '', number);
  button.type = 'button';
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-label', 'Запрос ' + number + ': подробно');
  button.addEventListener('click', (event) => {
    event.stopPropagation();
    if (!open.delete(key)) open.add(key);
    draw(rows.get(key));
  });
  return button;
}

// Fills a row, and the one below it that shows all of it.
function draw(row) {
  const { item, key, line, detail, button } = row;
  const is_request = key[0] === 'r';
  while (line.children.length > 1) line.removeChild(line.lastChild);
  for (const cell of is_request ? cellsOf(item) : cellsBeside(item)) line.appendChild(cell);
  const bad = is_request && (isSecond(item) || isChanged(item));
  line.className = 'entry' + (bad ? ' bad' : '') + (is_request ? '' : ' beside');
  const is_open = open.has(key);
  button.setAttribute('aria-expanded', String(is_open));
  detail.hidden = !is_open;
  if (is_open) fill(detail.firstChild, is_request ? all(item) : allBeside(item));
}

export function show(item, key) {
  let row = rows.get(key);
  if (row) {
    row.item = item;
    return draw(row);
  }
  const button = toggle(key, key[0] === 'r' ? item.number : '·');
  if (key[0] !== 'r') button.setAttribute('aria-label', 'Подробно');
  const line = make('tr', 'entry', make('td', 'number', button));
  line.addEventListener('click', () => button.click());
  const cell = make('td', '');
  cell.colSpan = 9;
  row = { item, key, line, button, detail: make('tr', 'detail', cell) };
  rows.set(key, row);
  draw(row);
  // The newest first; most are the newest.
  const feed = id('feed');
  const known = feed.getElementsByClassName('entry');
  let next = 0;
  while (next < known.length && known[next].dataset.time > item.time) next += 1;
  line.dataset.time = item.time;
  line.dataset.key = key;
  const before = known[next] || null;
  feed.insertBefore(line, before);
  feed.insertBefore(row.detail, before);
}

export function trim() {
  const known = id('feed').getElementsByClassName('entry');
  while (known.length > SHOWN) {
    const line = known[known.length - 1];
    const row = rows.get(line.dataset.key);
    rows.delete(row.key);
    open.delete(row.key);
    line.remove();
    row.detail.remove();
  }
}
