// The switches: what is answered from now on.

import { counted, id, make } from './dom.js';
import { ANSWERS, CERTIFICATES } from './words.js';

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

const stepText = (step) => answeringText(step) + (step.count > 1 ? ' ×' + step.count : '');

// What is answered now, and what of it the form shows: not how many requests are left.
let answering = { answer: 'usual' };
let filled = '';
// For whose requests there is an answer of their own.
let selected = [];

// The form shows what is on, whoever has switched it. What is being typed stays.
function fillForm(answer) {
  const now = JSON.stringify([answer.answer, answer.seconds, answer.code, answer.message, answer.field,
    answer.text, answer.count === null]);
  answering = answer;
  if (now === filled) return;
  filled = now;
  if (answer.answer === 'usual') return;
  const put = (name, value) => {
    if (document.activeElement !== id(name)) id(name).value = value;
  };
  if (answer.answer === 'slow') put('seconds', answer.seconds);
  if (answer.answer === 'code') {
    const field = answer.field || '';
    const known = Array.from(id('field').options).some((option) => option.value === field);
    if (!known) id('field').appendChild(make('option', '', field));
    put('code', answer.code);
    put('message', answer.message || '');
    put('field', field);
    put('text', answer.text || '');
  }
  if (answer.answer === 'refused') return;
  id(answer.count === null ? 'always' : 'counted').checked = true;
  if (answer.count !== null) put('count', answer.count);
}

const set = (name, text) => { if (id(name).textContent !== text) id(name).textContent = text; };

export function drawSwitches(switches) {
  const { answer, then, rules, certificate, notify } = switches;
  fillForm(answer);
  pressed('answers', 'answer', answer.answer);
  pressed('certificates', 'certificate', certificate.certificate);
  pressed('statuses', 'status', notify.status);
  const texts = [];
  const counts = [];
  if (answer.answer !== 'usual') {
    texts.push(answeringText(answer));
  }
  if (answer.count !== null) counts.push('ещё ' + counted(answer.count, 'запрос', 'запроса', 'запросов'));
  if (then.length) {
    if (!texts.length) texts.push(ANSWERS.usual);
    texts.push('затем ' + then.map(stepText).join(', '));
  }
  for (const rule of rules) {
    const steps = [rule.answer, ...rule.then].map(stepText).join(', затем ');
    texts.push('для ' + Object.entries(rule.whose).map((pair) => pair.join(' ')).join(' и ') + ': ' + steps);
  }
  selected = rules.map((rule) => new URLSearchParams(rule.whose));
  if (certificate.certificate !== 'valid') {
    texts.push('сертификат: ' + CERTIFICATES[certificate.certificate]);
    if (certificate.count !== null) {
      counts.push('ещё ' + counted(certificate.count, 'соединение', 'соединения', 'соединений'));
    }
  }
  const on = texts.length > 0;
  if (on && !counts.length) counts.push('до отмены');
  set('now-text', on ? texts.join('; ') : ANSWERS.usual);
  set('now-count', on ? '(' + counts.join(', ') + ')' : '');
  id('now').className = on ? 'now on' : 'now';
  const back = id('back');
  if (!on && document.activeElement === back) id('answers').querySelector('button').focus();
  back.hidden = !on;
}

// Nobody knows what is on while the sandbox cannot be asked.
export function drawLoss() {
  set('now-text', 'неизвестно, песочница не отвечает');
  set('now-count', '');
  id('now').className = 'now lost';
  id('back').hidden = true;
}

const LOST = 'Не принято: песочница не отвечает.';

export function forgetLoss() {
  if (id('fault').textContent === LOST) id('fault').textContent = '';
}

// While the till's port is closed the page is at another one.
export function follow(port) {
  if (port !== Number(location.port || 80)) location.port = port;
}

async function order(path, body) {
  id('fault').textContent = '';
  try {
    const response = await fetch('/sandbox/' + path, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    const reply = await response.json();
    if (response.ok) {
      drawSwitches(reply.switches);
      follow(reply.page_port);
    }
    else id('fault').textContent = 'Не принято. ' + reply.error;
  } catch (error) {
    id('fault').textContent = LOST;
  }
}

// Null if it is empty: that is not 0.
const number = (name) => (id(name).value === '' ? null : Number(id(name).value));

// With for how many, if that is chosen. Null if that is not said.
function counting(body) {
  if (!id('counted').checked) return body;
  body.count = number('count');
  if (body.count !== null) return body;
  id('fault').textContent = 'Не принято. Укажите, на сколько запросов.';
  return null;
}

function choose(answer) {
  let body = { answer };
  if (answer === 'slow') body.seconds = number('seconds');
  if (answer === 'code') {
    body.code = number('code');
    if (id('message').value) body.message = id('message').value;
    if (id('field').value) {
      body.field = id('field').value;
      body.text = id('text').value || id('text').placeholder;
    }
  }
  if (answer !== 'usual' && answer !== 'refused') body = counting(body);
  return body && order('answer', body);
}

export function listen() {
  const on = (name, act) => id(name).addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) act(button.dataset);
  });
  on('answers', (data) => choose(data.answer));
  on('certificates', (data) => {
    const body = { certificate: data.certificate };
    const counted = data.certificate === 'valid' ? body : counting(body);
    if (counted) order('certificate', counted);
  });
  on('statuses', (data) => order('notify', { status: data.status }));
  on('reset-switches', () => order('reset', { what: 'switches' }));
  on('reset-journal', () => order('reset', { what: 'journal' }));
  on('back', () => {
    choose('usual');
    for (const whose of selected) order('answer?' + whose, { answer: 'usual' });
    if (!id('tls').hidden) order('certificate', { certificate: 'valid' });
  });
  id('count').addEventListener('input', () => { id('counted').checked = true; });
  // What is edited while it is on takes effect at once.
  document.querySelector('.duration').addEventListener('change', () => {
    if (answering.answer !== 'usual' && answering.answer !== 'refused') choose(answering.answer);
  });
  for (const settings of document.querySelectorAll('.settings')) {
    settings.addEventListener('change', () => {
      const { answer } = settings.parentNode.querySelector('button').dataset;
      if (answer === answering.answer) choose(answer);
    });
    settings.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      choose(settings.parentNode.querySelector('button').dataset.answer);
    });
  }
}
