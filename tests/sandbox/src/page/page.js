// The page of the sandbox. What a request contains gets into the document as text only.
'use strict';

(function () {
  const SHOWN_REQUESTS = 200;
  const SHOWN_SHIFTS = 100;
  const POLL_MS = 1000;
  const RETRY_MS = 2000;

  const ANSWERS = {
    usual: 'как обычно', reset: 'нет сети', http_503: 'HTTP 503', slow: 'медленно',
    lost: 'ответ потерян', html: 'HTML с HTTP 200', redirect: 'редирект', code: 'код LifePay',
  };
  const CERTIFICATES = { valid: 'верный', expired: 'просрочен', wrong_name: 'чужое имя' };

  const id = (name) => document.getElementById(name);

  // An element with a class and children: elements, or what becomes text.
  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    for (const child of children) {
      if (child === null || child === undefined) continue;
      element.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return element;
  }

  // One that is cut if it is too long; then the mouse shows all of it.
  function short(className, text) {
    const cell = make('td', 'short ' + className, text);
    cell.title = text;
    return cell;
  }

  function fill(element, ...children) {
    element.textContent = '';
    for (const child of children) if (child) element.appendChild(child);
  }

  function counted(count, one, few, many) {
    const tens = count % 100, ones = count % 10;
    const form = tens > 10 && tens < 20 ? many : ones === 1 ? one : ones > 1 && ones < 5 ? few : many;
    return count + ' ' + form;
  }

  const plain = (value) =>
    value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

  function clock(time) {
    const date = new Date(time);
    const digits = (number) => String(number).padStart(2, '0');
    return digits(date.getHours()) + ':' + digits(date.getMinutes()) + ':' + digits(date.getSeconds());
  }

  // ------------------------------------------------------------------------- what is known

  let run = null;
  let version = 0;
  let cleared = 0;
  let fields = [];
  const requests = new Map();
  const shifts = new Map();
  // The rows of requests and events by key, and which are open.
  const rows = new Map();
  const open = new Set();

  function forget() {
    version = 0;
    requests.clear();
    shifts.clear();
    rows.clear();
    open.clear();
    id('feed').textContent = '';
  }

  // ------------------------------------------------------------------------- requests

  const isSecond = (request) => Boolean(request.document && request.document.second_after !== null);
  const isChanged = (request) => request.differs_in.length > 0 && !request.corrected;

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

  function cellsOf(request) {
    const [tone, text] = answerOf(request);
    return [
      make('td', 'time', clock(request.time)),
      make('td', 'ext-id mono', plain(request.ext_id) || '—'),
      short('mono', plain(request.login)),
      short('mono', plain(request.target_serial)),
      short('', plain(request.cashier_name)),
      make('td', '', plain(request.test)),
      make('td', 'answer', make('span', 'pill ' + tone, text), ...notesOf(request)),
      make('td', 'number', request.took_ms === null ? '' : request.took_ms),
    ];
  }

  function cellsBeside(event) {
    const wide = make('td', '');
    wide.colSpan = 5;
    const result = make('td', 'answer');
    if (event.kind === 'notification') {
      fill(wide, make('span', '', 'Уведомление «' + event.status + '» к запросу ' + event.request));
      const waits = event.http_status === null && event.error === null;
      const good = event.http_status >= 200 && event.http_status < 300;
      const text = waits ? 'ожидает ответа…' : event.error ? 'не доставлено' : 'HTTP ' + event.http_status;
      fill(result, make('span', 'pill ' + (waits ? 'pending' : good ? 'good' : 'warn'), text));
    } else {
      const name = event.server_name ? ', имя ' + event.server_name : '';
      fill(wide, make('span', '', 'Соединение ' + event.connection + ' без TLS: сертификат ' +
        CERTIFICATES[event.certificate] + name));
      fill(result, make('span', 'pill warn', 'касса отказалась'));
    }
    return [
      make('td', 'time', clock(event.time)), wide, result,
      make('td', 'number', event.took_ms === undefined || event.took_ms === null ? '' : event.took_ms),
    ];
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

  function show(item, key) {
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

  function trim() {
    const known = id('feed').getElementsByClassName('entry');
    while (known.length > SHOWN_REQUESTS) {
      const line = known[known.length - 1];
      const row = rows.get(line.dataset.key);
      rows.delete(row.key);
      open.delete(row.key);
      line.remove();
      row.detail.remove();
    }
  }

  // ------------------------------------------------------------------------- one request, whole

  const pretty = (value) => JSON.stringify(value, null, 2);

  function sentOf(request) {
    const answer = request.answer;
    if (!answer) return answerOf(request)[1];
    const header = answer.header ? '\n' + answer.header.join(': ') : '';
    return 'HTTP ' + answer.status + header + '\n\n' + (answer.json ? pretty(answer.json) : answer.text);
  }

  function facts(request) {
    const parts = [request.method + ' ' + request.path, 'соединение ' + request.connection,
      request.time.replace('T', ' ').replace('Z', ' UTC')];
    const document = request.document;
    if (document) parts.push((document.new ? 'новый документ ' : 'прежний документ ') + document.uuid);
    const chosen = chosenBy(request);
    if (chosen) parts.push(chosen);
    return make('p', '', parts.join(' · '));
  }

  // The earlier request with this ext_id with which a changed one is compared.
  function earlier(request) {
    let found = null;
    for (const other of requests.values()) {
      const same = other.number < request.number && plain(other.ext_id) === plain(request.ext_id);
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

  // The strict check, field by field, in the words of LifePay's page.
  function check(request) {
    const body = make('tbody', '');
    const findings = new Map(request.findings.map((finding) => [finding.field, finding.texts]));
    const add = (name, words) => {
      const texts = findings.get(name);
      const given = request.body && name in request.body;
      if (!texts && !given && (!words || words.type === null)) return;
      const tone = texts ? 'not-ok' : given ? 'ok' : '';
      const verdict = texts ? texts.join(' ') : given ? 'верно' : request.body ? 'не задано' : 'не проверить';
      const kind = words && words.type ? words.type + (words.required ? ', обязательное. ' : '. ') : '';
      body.appendChild(make('tr', '', make('td', 'mono', name),
        make('td', texts ? tone : tone + ' verdict', verdict),
        make('td', '', make('small', '', words ? kind + words.page : 'На странице LifePay такого поля нет.'))));
      findings.delete(name);
    };
    const others = fields.filter((words) => words.type === null);
    for (const words of others) add(words.name, words);
    for (const words of fields) if (words.type !== null) add(words.name, words);
    for (const name of Array.from(findings.keys())) add(name, null);
    const head = make('tr', '', make('th', '', 'поле'), make('th', '', 'проверка'), make('th', '', 'страница LifePay'));
    const count = request.findings.length;
    const title = 'Строгая проверка: ' + (count ? counted(count, 'замечание', 'замечания', 'замечаний') : 'замечаний нет');
    return make('div', '', make('h3', count ? 'not-ok' : '', title),
      make('table', '', make('thead', '', head), body));
  }

  function all(request) {
    const text = request.body ? pretty(request.body)
      : counted(request.body_bytes, 'байт', 'байта', 'байт') + ', не объект JSON: показать нельзя, в теле может быть apikey';
    const headers = request.headers.map((header) => header.join(': ')).join('\n');
    const more = make('details', '', make('summary', '', 'Заголовки запроса'), make('pre', '', headers));
    return make('div', '', facts(request),
      isSecond(request) ? make('p', 'changed', secondText(request) + ', и ответа на него касса не получила.') : null,
      request.differs_in.length ? changes(request) : null,
      make('div', 'columns',
        make('div', '', make('h3', '', 'Запрос'), make('pre', 'sent', text), more),
        make('div', '', make('h3', '', 'Ответ'), make('pre', 'answered', sentOf(request)))),
      request.path === '/cloud-print/create-session' || request.findings.length ? check(request) : null);
  }

  function allBeside(event) {
    if (event.kind === 'notification') {
      const outcome = event.error || (event.http_status === null ? 'ожидает ответа…' : 'HTTP ' + event.http_status);
      return make('div', '', make('p', '', 'POST ' + event.url), make('h3', '', 'Поле data'),
        make('pre', 'sent', pretty(event.data)), make('h3', '', 'Ответ кассы'), make('pre', '', outcome));
    }
    return make('div', '', make('p', '', 'Касса не доверяет сертификату, или её время неверно, или это не TLS. Доверять нужно ca.pem этого запуска.'),
      make('h3', '', 'Что сообщил TLS'), make('pre', '', event.error));
  }

  // ------------------------------------------------------------------------- shifts

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

  function drawShifts() {
    const sorted = Array.from(shifts.values());
    sorted.sort((one, other) => isBad(other) - isBad(one) || other.last - one.last);
    fill(id('shifts'), ...sorted.slice(0, SHOWN_SHIFTS).map(shiftRow));
    id('no-shifts').hidden = sorted.length > 0;
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
    const shown = Math.min(counts.kept, SHOWN_REQUESTS);
    id('counts').textContent = 'получено ' + counts.received +
      (counts.received > shown ? ', показаны последние ' + shown : '');
    id('no-requests').hidden = id('feed').childElementCount > 0;
  }

  // ------------------------------------------------------------------------- switches

  function pressed(container, name, value) {
    for (const button of id(container).querySelectorAll('button[data-' + name + ']')) {
      button.setAttribute('aria-pressed', String(button.dataset[name] === value));
    }
  }

  function answeringText(answer) {
    if (answer.answer === 'slow') return 'медленно, через ' + answer.seconds + ' с';
    if (answer.answer !== 'code') return ANSWERS[answer.answer];
    const field = answer.field ? ', ' + answer.field + ': ' + answer.text : '';
    return 'код ' + answer.code + (answer.message ? ' «' + answer.message + '»' : '') + field;
  }

  function drawSwitches(switches) {
    const { answer, certificate, notify } = switches;
    pressed('answers', 'answer', answer.answer);
    pressed('certificates', 'certificate', certificate.certificate);
    pressed('statuses', 'status', notify.status);
    const texts = [];
    const counts = [];
    if (answer.answer !== 'usual') {
      texts.push(answeringText(answer));
      if (answer.count !== null) counts.push('ещё ' + counted(answer.count, 'запрос', 'запроса', 'запросов'));
    }
    if (certificate.certificate !== 'valid') {
      texts.push('сертификат: ' + CERTIFICATES[certificate.certificate]);
      if (certificate.count !== null) {
        counts.push('ещё ' + counted(certificate.count, 'соединение', 'соединения', 'соединений'));
      }
    }
    const on = texts.length > 0;
    if (on && !counts.length) counts.push('до отмены');
    const set = (name, text) => { if (id(name).textContent !== text) id(name).textContent = text; };
    set('now-text', on ? texts.join('; ') : ANSWERS.usual);
    set('now-count', on ? '(' + counts.join(', ') + ')' : '');
    id('now').className = on ? 'now on' : 'now';
    const back = id('back');
    if (!on && document.activeElement === back) id('answers').querySelector('button').focus();
    back.hidden = !on;
  }

  async function order(path, body) {
    id('fault').textContent = '';
    try {
      const response = await fetch('/sandbox/' + path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
      });
      const reply = await response.json();
      if (response.ok) drawSwitches(reply.switches);
      else id('fault').textContent = 'Не принято. ' + reply.error;
    } catch (error) {
      id('fault').textContent = 'Песочница не отвечает.';
    }
  }

  // With for how many, if that is chosen.
  function counting(body) {
    if (id('counted').checked) body.count = Number(id('count').value);
    return body;
  }

  function choose(answer) {
    const body = { answer };
    if (answer === 'slow') body.seconds = Number(id('seconds').value);
    if (answer === 'code') {
      body.code = Number(id('code').value);
      if (id('message').value) body.message = id('message').value;
      if (id('field').value) {
        body.field = id('field').value;
        body.text = id('text').value || id('text').placeholder;
      }
    }
    return order('answer', answer === 'usual' ? body : counting(body));
  }

  function listen() {
    const on = (name, act) => id(name).addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) act(button.dataset);
    });
    on('answers', (data) => choose(data.answer));
    on('certificates', (data) => {
      const body = { certificate: data.certificate };
      order('certificate', data.certificate === 'valid' ? body : counting(body));
    });
    on('statuses', (data) => order('notify', { status: data.status }));
    on('reset-switches', () => order('reset', { what: 'switches' }));
    on('reset-journal', () => order('reset', { what: 'journal' }));
    on('back', () => {
      choose('usual');
      if (!id('tls').hidden) order('certificate', { certificate: 'valid' });
    });
    id('count').addEventListener('input', () => { id('counted').checked = true; });
    for (const settings of document.querySelectorAll('.settings')) {
      settings.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        choose(settings.parentNode.querySelector('button').dataset.answer);
      });
    }
  }

  // ------------------------------------------------------------------------- live

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
    if (journal.fields && !fields.length) {
      fields = journal.fields;
      const select = id('field');
      for (const words of fields) if (words.type !== null) select.appendChild(make('option', '', words.name));
    }
    id('base-url').textContent = journal.base_url;
    id('tls').hidden = !journal.tls;
    for (const request of journal.requests) {
      requests.set(request.number, request);
      requests.delete(request.number - 1000);
    }
    const news = journal.requests.map((item) => [item, 'r' + item.number])
      .concat(journal.events.map((item) => [item, 'e' + item.number]));
    news.sort(([one], [other]) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
    for (const [item, key] of news.slice(-SHOWN_REQUESTS)) show(item, key);
    trim();
    for (const shift of journal.ext_ids) shifts.set(shift.first, shift);
    if (journal.ext_ids.length || !shifts.size) drawShifts();
    drawTotals(journal);
    drawSwitches(journal.switches);
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
    const element = id('live');
    const text = on ? 'На связи' : 'Нет связи с песочницей, переподключение…';
    element.className = on ? 'live on' : 'live off';
    if (element.textContent !== text) element.textContent = text;
  }

  function connect() {
    if (!window.EventSource) {
      setInterval(update, POLL_MS);
      update();
      return;
    }
    const events = new EventSource('/sandbox/events');
    events.onmessage = update;
    events.onerror = () => {
      live(false);
      if (events.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    };
  }

  listen();
  connect();
})();
