// The table of ext_ids by path: how many requests made how many documents.

import { cell, clamped, fill, id, make, pathOf, plain, secondNote } from './dom.js';

const SHOWN = 100;
const KNOWN = 1000;

// By the number of the first request.
const lines = new Map();

export function forget() {
  lines.clear();
}

const isBad = (line) => line.second_after !== null || line.changed > 0;

function notesOf(line) {
  const notes = [];
  if (line.second_after !== null) notes.push(secondNote(line.second_after));
  if (line.changed > 0) {
    const text = 'запрос изменён под тем же ext_id: ' + line.changed_in.join(', ');
    notes.push(make('span', 'note alarm', text));
  }
  if (line.ext_id === null && !notes.length) {
    notes.push(make('span', 'note', 'без ext_id каждый повтор — новый документ'));
  }
  return notes;
}

function rowOf(line) {
  const second = line.second_after !== null || line.documents > 1;
  const danger = line.documents > 1 ? line.documents : '2-й';
  const documents = second && isBad(line) ? make('span', 'pill danger', danger) : line.documents;
  return make('tr', isBad(line) ? 'bad' : '',
    cell('ext_id', 'ext-id', pathOf(line.path),
      make('span', 'mono', line.ext_id === null ? '— без ext_id' : line.ext_id), ...notesOf(line)),
    cell('login', 'till', clamped('mono', plain(line.login))),
    cell('запросов', 'number', line.requests), cell('документов', 'number', documents));
}

export function learn(news) {
  for (const line of news) lines.set(line.first, line);
  // The oldest lines are dropped first, but lines with faults are kept.
  for (const [first, line] of lines) {
    if (lines.size <= KNOWN) break;
    if (!isBad(line)) lines.delete(first);
  }
  if (news.length || !lines.size) draw();
}

function draw() {
  const sorted = Array.from(lines.values());
  sorted.sort((one, other) => isBad(other) - isBad(one) || other.last - one.last);
  fill(id('ext-ids'), ...sorted.slice(0, SHOWN).map(rowOf));
  id('no-ext-ids').hidden = sorted.length > 0;
}
