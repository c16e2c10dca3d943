// What is shown of a request: its row, and all of it when it is opened.

import { counted, clock, make, moment, pathOf, plain, pretty, short } from './dom.js';
import { ANSWERS } from './words.js';

// Those that are known, by number.
export const requests = new Map();
// What LifePay's page says of each field of a shift, and of other documents' fields what is published.
let fields = [];
let published = [];

export function learn(words, parts) {
  fields = words;
  published = parts;
}

export const isSecond = (request) => Boolean(request.document && request.document.second_after !== null);
export const isChanged = (request) => request.differs_in.length > 0 && !request.corrected;

function answerOf(request) {
  const answered = request.answered;
  if (answered === null) return ['pending', 'ожидает ответа…'];
  switch (answered.kind) {
    case 'code':
      if (answered.code !== 0) return ['warn', 'код ' + answered.code];
      return ['good', answered.uuid ? 'принят' : 'принят, без uuid'];
    case 'http':
      return ['warn', answered.status === 200 ? 'HTTP 200, не LifePay' : 'HTTP ' + answered.status];
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

function chosenBy(request) {
  const chosen = request.chosen_by;
  if (!chosen) return null;
  return chosen.switch
    ? 'переключатель: ' + (ANSWERS[chosen.switch] || chosen.switch)
    : 'магическое значение ' + chosen.magic;
}

function secondText(request) {
  const before = request.document.second_after;
  return 'Второй документ: первый был ' + (before ? 'под ext_id ' + before : 'без ext_id');
}

function notesOf(request) {
  const notes = [];
  const reply = request.answer && request.answer.json;
  if (reply && reply.message) notes.push(make('span', 'note', reply.message));
  if (isSecond(request)) notes.push(make('span', 'note alarm', secondText(request)));
  if (isChanged(request)) {
    notes.push(make('span', 'note alarm', 'Тело изменилось: ' + request.differs_in.join(', ')));
  }
  if (request.findings.length) {
    const names = request.findings.map((finding) => finding.field).join(', ');
    notes.push(make('span', 'note finding', 'Замечания: ' + names));
  }
  const chosen = chosenBy(request);
  if (chosen) notes.push(make('span', 'note', chosen));
  return notes;
}

export function cellsOf(request) {
  const [tone, text] = answerOf(request);
  return [
    make('td', 'time', clock(request.time)),
    make('td', 'ext-id mono', pathOf(request.path), plain(request.ext_id) || '—'),
    short('mono', plain(request.login)),
    short('mono', plain(request.target_serial)),
    short('', plain(request.cashier_name)),
    make('td', '', plain(request.test)),
    make('td', 'answer', make('span', 'pill ' + tone, text), ...notesOf(request)),
    make('td', 'number', request.took_ms === null ? '' : request.took_ms),
  ];
}

function sentOf(request) {
  const answer = request.answer;
  if (!answer) return answerOf(request)[1];
  const header = answer.header ? '\n' + answer.header.join(': ') : '';
  return 'HTTP ' + answer.status + header + '\n\n' + (answer.json ? pretty(answer.json) : answer.text);
}

function facts(request) {
  const parts = [request.method + ' ' + request.path, 'соединение ' + request.connection,
    moment(request.time)];
  const document = request.document;
  if (document) parts.push((document.new ? 'новый документ ' : 'прежний документ ') + document.uuid);
  const chosen = chosenBy(request);
  if (chosen) parts.push(chosen);
  return make('p', '', parts.join(' · '));
}

// The earlier request with this path and ext_id with which a changed one is compared.
function earlier(request) {
  let found = null;
  for (const other of requests.values()) {
    const same = other.number < request.number && other.path === request.path &&
      plain(other.ext_id) === plain(request.ext_id);
    if (!same || !other.body) continue;
    if (other.document && other.document.new) return other;
    if (!found || other.number > found.number) found = other;
  }
  return found;
}

function changes(request) {
  const before = earlier(request);
  const body = make('tbody', '');
  for (const name of request.differs_in) {
    const was = before && name in before.body ? plain(before.body[name]) : before ? 'не было' : '?';
    const is = request.body && name in request.body ? plain(request.body[name]) : 'нет';
    body.appendChild(make('tr', '', make('td', 'mono', name), make('td', 'mono', was),
      make('td', 'mono changed', is)));
  }
  const head = make('tr', '', make('th', '', 'поле'),
    make('th', '', before ? 'в запросе ' + before.number : 'раньше'), make('th', '', 'в этом'));
  const why = request.corrected ? 'Исправлено после отказа' : 'Тело изменилось под тем же ext_id';
  return make('div', '', make('h3', request.corrected ? '' : 'changed', why),
    make('table', '', make('thead', '', head), body));
}

// What is known of a request's fields: the whole page, a part of one, or apikey and login only.
function knownOf(request) {
  if (request.checked === 'whole_page' || request.checked === null) return fields;
  const part = published.find((one) => one.path === request.path);
  if (part) return part.fields;
  const common = fields.filter((words) => words.name === 'apikey' || words.name === 'login');
  return common.map(({ name, type, required }) => ({ name, type, required, page: null }));
}

function typeOf(words) {
  const parts = [];
  if (words.type) parts.push(words.type);
  if (words.required && words.type !== null) parts.push('обязательное');
  return parts.length ? parts.join(', ') + '. ' : '';
}

// The strict check, field by field, in the words of LifePay's page as far as published.
function check(request) {
  const body = make('tbody', '');
  const isWhole = request.checked === 'whole_page' || request.checked === null;
  const findings = new Map(request.findings.map((finding) => [finding.field, finding.texts]));
  const add = (name, words) => {
    const texts = findings.get(name);
    const given = request.body && name in request.body;
    if (!texts && !given && (!words || words.type === null)) return;
    const tone = texts ? 'not-ok' : given ? 'ok' : '';
    const verdict = texts ? texts.join(' ') : given ? 'верно' : request.body ? 'не задано' : 'не проверить';
    const unknown = isWhole ? 'На странице LifePay такого поля нет.' : '';
    body.appendChild(make('tr', '', make('td', 'mono', name),
      make('td', texts ? tone : tone + ' verdict', verdict),
      make('td', '', make('small', '', words ? typeOf(words) + (words.page || '') : unknown))));
    findings.delete(name);
  };
  const known = knownOf(request);
  for (const words of known) if (words.type === null) add(words.name, words);
  for (const words of known) if (words.type !== null) add(words.name, words);
  for (const name of Array.from(findings.keys())) add(name, null);
  const head = make('tr', '', make('th', '', 'поле'), make('th', '', 'проверка'),
    make('th', '', isWhole ? 'страница LifePay' : 'что опубликовано'));
  const count = request.findings.length;
  const title = (isWhole ? 'Строгая проверка: ' : 'Проверка, насколько опубликовано: ') +
    (count ? counted(count, 'замечание', 'замечания', 'замечаний') : 'замечаний нет');
  const rest = request.checked === 'credentials'
    ? 'Поля этого документа песочнице неизвестны: проверены только apikey и login.'
    : 'Страница LifePay об этом документе известна не вся: остальные поля приняты без проверки.';
  return make('div', '', make('h3', count ? 'not-ok' : '', title),
    isWhole ? null : make('p', 'hint', rest),
    make('table', '', make('thead', '', head), body));
}

export function all(request) {
  const text = request.body ? pretty(request.body)
    : counted(request.body_bytes, 'байт', 'байта', 'байт') + ', не объект JSON: показать нельзя, в теле может быть apikey';
  const headers = request.headers.map((header) => header.join(': ')).join('\n');
  const more = make('details', '', make('summary', '', 'Заголовки запроса'), make('pre', '', headers));
  return make('div', '', facts(request),
    isSecond(request) ? make('p', 'changed', secondText(request) + ', и ответа на него касса не получила.' +
      (request.document.second_after ? ' Если она получит его, повторив запрос с прежним ext_id, отметка снимется.' : '')) : null,
    request.differs_in.length ? changes(request) : null,
    make('div', 'columns',
      make('div', '', make('h3', '', 'Запрос'), make('pre', 'sent', text), more),
      make('div', '', make('h3', '', 'Ответ'), make('pre', 'answered', sentOf(request)))),
    request.checked !== null || request.findings.length ? check(request) : null);
}
