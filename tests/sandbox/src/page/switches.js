// The switches, which select the following answers.

import { choose, counting, drawAnswers, listenToAnswers } from './answers.js';
import { counted, id, setText } from './dom.js';
import { drawLatency, endLatency, isLate, latencyText, listenToLatency } from './latency.js';
import { drawNotify, listenToNotify } from './notify.js';
import { order, setReplyHandler } from './order.js';
import { ANSWERS, CERTIFICATES, answerText } from './words.js';

// The filters of the rules, as queries.
let selected = [];
let late = false;

function pressed(container, name, value) {
  for (const button of id(container).querySelectorAll('button[data-' + name + ']')) {
    button.setAttribute('aria-pressed', String(button.dataset[name] === value));
  }
}

const stepText = (step) => answerText(step) + (step.count > 1 ? ' ×' + step.count : '');

// Returns the texts of the switches that are on, with the number of requests.
function wordsOf({ answer, then, rules, certificate, latency }) {
  const texts = [];
  const counts = [];
  if (answer.answer !== 'usual') texts.push(answerText(answer));
  if (answer.count !== null) counts.push('ещё ' + counted(answer.count, 'запрос', 'запроса', 'запросов'));
  if (then.length) {
    if (!texts.length) texts.push(ANSWERS.usual);
    texts.push('затем ' + then.map(stepText).join(', '));
  }
  for (const rule of rules) {
    const steps = [rule.answer, ...rule.then].map(stepText).join(', затем ');
    texts.push('для ' + Object.entries(rule.filter).map((pair) => pair.join(' ')).join(' и ') + ': ' + steps);
  }
  if (isLate(latency)) texts.push(latencyText(latency));
  if (certificate.certificate !== 'valid') {
    texts.push('сертификат: ' + CERTIFICATES[certificate.certificate]);
    if (certificate.count !== null) {
      counts.push('ещё ' + counted(certificate.count, 'соединение', 'соединения', 'соединений'));
    }
  }
  if (texts.length && !counts.length) counts.push('до отмены');
  return { texts, counts };
}

export function drawSwitches(switches) {
  drawAnswers(switches.answer);
  drawLatency(switches.latency);
  drawNotify(switches.notify);
  pressed('certificates', 'certificate', switches.certificate.certificate);
  pressed('statuses', 'status', switches.notify.status);
  selected = switches.rules.map((rule) => new URLSearchParams(rule.filter));
  late = isLate(switches.latency);
  const { texts, counts } = wordsOf(switches);
  const on = texts.length > 0;
  setText('now-text', on ? texts.join('; ') : ANSWERS.usual);
  setText('now-count', on ? '(' + counts.join(', ') + ')' : '');
  id('now').className = on ? 'now on' : 'now';
  const back = id('back');
  if (!on && document.activeElement === back) id('answers').querySelector('button').focus();
  back.hidden = !on;
}

// While the sandbox does not answer, the positions of the switches are unknown.
export function drawLoss() {
  setText('now-text', 'неизвестно, песочница не отвечает');
  setText('now-count', '');
  id('now').className = 'now lost';
  id('back').hidden = true;
}

// While the till's port is closed, the page is at another port.
export function follow(port) {
  if (port !== Number(location.port || 80)) location.port = port;
}

function backToUsual() {
  choose('usual');
  for (const filter of selected) order('answer?' + filter, { answer: 'usual' });
  if (late) endLatency();
  if (!id('tls').hidden) order('certificate', { certificate: 'valid' });
}

export function listen() {
  setReplyHandler((reply) => {
    drawSwitches(reply.switches);
    follow(reply.page_port);
  });
  listenToAnswers();
  listenToLatency();
  listenToNotify();
  id('certificates').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const body = { certificate: button.dataset.certificate };
    const whole = body.certificate === 'valid' ? body : counting(body);
    if (whole) order('certificate', whole);
  });
  id('reset-switches').addEventListener('click', () => order('reset', { what: 'switches' }));
  id('reset-journal').addEventListener('click', () => order('reset', { what: 'journal' }));
  id('back').addEventListener('click', backToUsual);
}
