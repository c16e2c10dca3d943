// The switches: what is answered from now on.

import { counted, id } from './dom.js';
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

export function drawSwitches(switches) {
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
  return order('answer', answer === 'usual' || answer === 'refused' ? body : counting(body));
}

export function listen() {
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
