// A request's row.

import { cell, clamped, clock, make, pathOf, plain, secondNote } from './dom.js';
import { ANSWERS } from './words.js';

// The known requests, by number.
export const requests = new Map();

export const isSecond = (request) => Boolean(request.document && request.document.second_after !== null);
export const isChanged = (request) => request.differs_in.length > 0 && !request.corrected;
export const isBad = (request) => isSecond(request) || isChanged(request);

export function answerOf(request) {
  const answered = request.answered;
  if (answered === null) return ['pending', 'ожидает ответа…'];
  switch (answered.kind) {
    case 'code':
      if (answered.code !== 0) return ['warn', 'код ' + answered.code];
      return ['good', answered.uuid ? 'принят' : 'принят, без uuid'];
    case 'http':
      return ['warn', answered.status === 200 ? 'HTTP 200, не LifePay' : 'HTTP ' + answered.status];
    case 'malformed':
      return ['warn', 'ответ испорчен'];
    case 'closed':
      return ['warn', request.document ? 'ответ потерян' : 'соединение закрыто'];
    case 'reset':
      return ['warn', 'соединение сброшено'];
    case 'abandoned':
      return ['warn', 'касса не дождалась'];
    default:
      return ['', answered.kind];
  }
}

export function chosenBy(request) {
  const chosen = request.chosen_by;
  if (!chosen) return null;
  return chosen.switch
    ? 'переключатель: ' + (ANSWERS[chosen.switch] || chosen.switch)
    : 'магическое значение ' + chosen.magic;
}

// Returns the text that says which request this one replays.
export function replayText(request) {
  const header = request.headers.find(([name]) => name === 'x-sandbox-replay');
  return header ? 'повтор запроса ' + header[1] : null;
}

const changedText = (request) => 'запрос изменён под тем же ext_id: ' + request.differs_in.join(', ');

const messageOf = (request) => {
  const reply = request.answer && request.answer.json;
  return (reply && reply.message) || '';
};

// Returns the text in which a search looks for words.
export function textOf(request) {
  const answer = request.answer || {};
  const alarms = alarmsOf(request).map((alarm) => alarm.textContent);
  const findings = request.findings.map((finding) => finding.field + ' ' + finding.texts.join(' '));
  return ['№' + request.number, request.path, request.ext_id, request.login, request.target_serial,
    request.cashier_name, answerOf(request)[1], messageOf(request), answer.json || answer.text,
    chosenBy(request), replayText(request), request.body || request.body_text, ...alarms, ...findings].map(plain).join('\n');
}

function alarmsOf(request) {
  const alarms = [];
  if (isSecond(request)) alarms.push(secondNote(request.document.second_after));
  if (isChanged(request)) alarms.push(make('span', 'note alarm', changedText(request)));
  return alarms;
}

function notesOf(request) {
  const notes = [];
  if (messageOf(request)) notes.push(clamped('note', messageOf(request)));
  if (request.findings.length) {
    const names = request.findings.map((finding) => finding.field).join(', ');
    notes.push(clamped('note finding', 'Замечания: ' + names));
  }
  if (request.checked === 'credentials') notes.push(make('span', 'note', 'поля документа не проверены'));
  for (const text of [chosenBy(request), replayText(request)]) if (text) notes.push(make('span', 'note', text));
  return notes;
}

// The sender: login, printer and cashier, one below the other.
function tillOf(request) {
  const lines = [['mono', request.login], ['mono', request.target_serial], ['', request.cashier_name]]
    .filter(([, value]) => plain(value) !== '')
    .map(([className, value]) => clamped(className, plain(value)));
  if (plain(request.test) !== '') lines.push(make('span', 'note', 'test ' + plain(request.test)));
  return lines;
}

export function cellsOf(request) {
  const [tone, text] = answerOf(request);
  const took = request.took_ms === null ? null : make('span', 'took', ' ' + request.took_ms + ' мс');
  return [
    cell('время', 'time', clock(request.time)),
    cell('ext_id', 'ext-id', pathOf(request.path),
      make('span', 'mono', plain(request.ext_id) || '— без ext_id'), ...alarmsOf(request)),
    cell('касса', 'till', ...tillOf(request)),
    cell('ответ', 'answer', make('span', 'pill ' + tone, text), took, ...notesOf(request)),
  ];
}
