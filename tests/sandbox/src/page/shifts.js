// The table of ext_ids: how many requests made how many documents.

import { fill, id, make, plain, short } from './dom.js';

const SHOWN = 100;
const KNOWN = 1000;

// By the number of the first request.
const shifts = new Map();

export function forget() {
  shifts.clear();
}

const isBad = (shift) => shift.second_after !== null || shift.changed > 0;

function shiftRow(shift) {
  const notes = [];
  if (shift.second_after !== null) {
    const before = shift.second_after ? 'под ext_id ' + shift.second_after : 'без ext_id';
    notes.push(make('span', 'note alarm', 'второй документ, первый ' + before));
  }
  if (shift.changed > 0) {
    notes.push(make('span', 'note alarm', 'тело менялось: ' + shift.changed_in.join(', ')));
  }
  if (shift.ext_id === null && !notes.length) {
    notes.push(make('span', 'note', 'без ext_id каждый повтор — новый документ'));
  }
  const second = shift.second_after !== null || shift.documents > 1;
  const danger = shift.documents > 1 ? shift.documents : '2-й';
  const documents = second && isBad(shift) ? make('span', 'pill danger', danger) : shift.documents;
  return make('tr', isBad(shift) ? 'bad' : '',
    make('td', 'mono', shift.ext_id === null ? '— без ext_id' : shift.ext_id),
    short('mono', plain(shift.login)), make('td', 'number', shift.requests),
    make('td', 'number', documents), make('td', '', ...notes));
}

export function learn(news) {
  for (const shift of news) shifts.set(shift.first, shift);
  // The oldest go first, but what is wrong stays.
  for (const [first, shift] of shifts) {
    if (shifts.size <= KNOWN) break;
    if (!isBad(shift)) shifts.delete(first);
  }
  if (news.length || !shifts.size) draw();
}

function draw() {
  const sorted = Array.from(shifts.values());
  sorted.sort((one, other) => isBad(other) - isBad(one) || other.last - one.last);
  fill(id('shifts'), ...sorted.slice(0, SHOWN).map(shiftRow));
  id('no-shifts').hidden = sorted.length > 0;
}
