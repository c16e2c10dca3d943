// The details of a request, shown when its row is opened.

import { check } from './check.js';
import { copy } from './copy.js';
import { curlOf } from './curl.js';
import { button, cell, counted, id, long, make, moment, plain, pretty } from './dom.js';
import { post } from './order.js';
import { answerOf, chosenBy, isSecond, requests } from './request.js';

function sentOf(request) {
  const answer = request.answer;
  if (!answer) return answerOf(request)[1];
  const header = answer.header ? '\n' + answer.header.join(': ') : '';
  return 'HTTP ' + answer.status + header + '\n\n' + (answer.json ? pretty(answer.json) : plain(answer.text));
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

// Returns the earlier request with the same path and ext_id, with which a changed one is compared.
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
  const was = before ? 'в запросе ' + before.number : 'раньше';
  const rows = request.differs_in.map((name) => {
    const old = before && name in before.body ? plain(before.body[name]) : before ? 'не было' : '?';
    const now = request.body && name in request.body ? plain(request.body[name]) : 'нет';
    return make('tr', '', cell('поле', 'mono', name), cell(was, 'mono', long('span', '', old)),
      cell('в этом', 'mono changed', long('span', '', now)));
  });
  const head = make('tr', '', make('th', '', 'поле'), make('th', '', was), make('th', '', 'в этом'));
  const why = request.corrected ? 'Исправлено после отказа' : 'Запрос изменён под тем же ext_id';
  return make('div', '', make('h3', request.corrected ? '' : 'changed', why),
    make('table', '', make('thead', '', head), make('tbody', '', ...rows)));
}

// Makes a button that asks the sandbox to send something again, and the result.
export function again(text, path, number) {
  const outcome = make('span', 'outcome', '');
  outcome.setAttribute('role', 'status');
  const send = button('', text, async () => {
    outcome.textContent = '';
    const { error } = await post(path, { number });
    outcome.className = error ? 'outcome failed' : 'outcome';
    outcome.textContent = error || 'Отправлено.';
  });
  return make('p', 'again', send, outcome);
}

const CMD_LONGEST = 8191;

function command(request) {
  const text = curlOf(request, id('base-url').textContent);
  const outcome = make('span', 'outcome', '');
  outcome.setAttribute('role', 'status');
  const copying = button('', 'Копировать', async () => {
    outcome.textContent = await copy(text) ? 'Скопировано.' : 'Не скопировано: выделите текст.';
  });
  const hint = 'Для sh и для cmd.exe. Ключ в журнале скрыт: впишите свой apikey.' +
    (text.length > CMD_LONGEST ? ' Для cmd.exe команда слишком длинная.' : '');
  return make('div', '', make('h3', '', 'Команда curl'), long('pre', 'curl', text),
    make('p', 'again', copying, make('span', 'hint', hint), outcome));
}

function bodyOf(request) {
  if (request.body) return pretty(request.body);
  if (request.body_text) return request.body_text;
  return counted(request.body_bytes, 'байт', 'байта', 'байт') +
    (request.body_bytes ? ', не объект JSON: показать нельзя, в теле может быть apikey' : '');
}

function alarm(request) {
  const before = request.document.second_after;
  return make('p', 'changed', 'Двойная печать: первый документ ' + (before ? 'под ext_id ' + before : 'без ext_id') +
    ', и ответа на него касса не получила.' +
    (before ? ' Если она получит его, повторив запрос с прежним ext_id, отметка снимется.' : ''));
}

export function all(request) {
  const title = request.body || !request.body_bytes ? 'Запрос'
    : 'Запрос: ' + counted(request.body_bytes, 'байт', 'байта', 'байт') + ', не объект JSON';
  const headers = request.headers.map((header) => header.join(': ')).join('\n');
  const more = make('details', '', make('summary', '', 'Заголовки запроса'), long('pre', '', headers));
  return make('div', '', facts(request), again('Повторить', 'replay', request.number),
    isSecond(request) ? alarm(request) : null,
    request.differs_in.length ? changes(request) : null,
    make('div', 'columns',
      make('div', '', make('h3', '', title), long('pre', 'sent', bodyOf(request)), more),
      make('div', '', make('h3', '', 'Ответ'), long('pre', 'answered', sentOf(request)))),
    request.checked !== null || request.findings.length ? check(request) : null,
    request.body ? command(request) : null);
}
