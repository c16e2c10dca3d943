// The check of a request's fields, in the wording of LifePay's page as far as published.

import { cell, counted, make } from './dom.js';

// LifePay's page about each field of a shift, and the published facts about other documents'
// fields.
let fields = [];
let published = [];

export function learn(words, parts) {
  fields = words;
  published = parts;
}

const isWhole = (request) => request.checked === 'whole_page' || request.checked === null;

// Returns the known fields of a request: the whole page, a part of one, or apikey and login only.
function knownOf(request) {
  if (isWhole(request)) return fields;
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

// Returns the tone and the text for one field.
function verdictOf(request, texts, given, words) {
  if (texts) return ['not-ok', texts.join(' ')];
  if (!request.body || request.checked === null) return ['', 'не проверено'];
  if (!given) return ['', 'не задано'];
  return words && words.type ? ['ok verdict', 'верно'] : ['', 'не проверено'];
}

function rowsOf(request) {
  const rows = [];
  const body = request.body || {};
  const findings = new Map(request.findings.map((finding) => [finding.field, finding.texts]));
  const seen = new Set();
  const add = (name, words) => {
    seen.add(name);
    const texts = findings.get(name);
    const given = name in body;
    // The other parts of a request are shown only if they are wrong.
    if (!texts && !given && (!words || words.type === null)) return;
    const [tone, verdict] = verdictOf(request, texts, given, words);
    const unknown = isWhole(request) ? 'На странице LifePay такого поля нет.' : 'Не опубликовано.';
    rows.push(make('tr', '', cell('поле', 'mono', name), cell('проверка', tone, verdict),
      cell('страница', '', make('small', '', words ? typeOf(words) + (words.page || '') : unknown))));
  };
  const known = knownOf(request);
  for (const words of known) if (words.type === null) add(words.name, words);
  for (const words of known) if (words.type !== null) add(words.name, words);
  for (const name of [...findings.keys(), ...Object.keys(body)]) if (!seen.has(name)) add(name, null);
  return rows;
}

const restOf = (request) => request.checked === 'credentials'
  ? 'Поля этого документа песочнице неизвестны: проверены только apikey и login.'
  : 'Страница LifePay об этом документе известна не вся: остальные поля приняты без проверки.';

export function check(request) {
  const whole = isWhole(request);
  const head = make('tr', '', make('th', '', 'поле'), make('th', '', 'проверка'),
    make('th', '', whole ? 'страница LifePay' : 'что опубликовано'));
  const count = request.findings.length;
  const title = (whole ? 'Строгая проверка: ' : 'Проверка, насколько опубликовано: ') +
    (count ? counted(count, 'замечание', 'замечания', 'замечаний') : 'замечаний нет');
  return make('div', '', make('h3', count ? 'not-ok' : '', title),
    whole ? null : make('p', 'hint', restOf(request)),
    make('table', '', make('thead', '', head), make('tbody', '', ...rowsOf(request))));
}
