// The form that selects an answer: its fields, the number of requests, the probability.

import { id, make } from './dom.js';
import { fault, order } from './order.js';
import { percent } from './words.js';

// These answers apply to all requests until another answer is selected.
const always = (answer) => ['usual', 'refused', 'paused'].includes(answer);

// The current answer, and the part of it that the form shows, without the number of requests left.
let answering = { answer: 'usual' };
let filled = '';

const buttonOf = (answer) => id('answers').querySelector('button[data-answer="' + answer + '"]');

// The fields that belong to an answer.
function fieldsOf(answer) {
  const one = buttonOf(answer);
  const around = one && one.closest('.with-settings');
  return around ? Array.from(around.querySelectorAll('[data-key]')) : [];
}

function put(field, value) {
  // A field that is being edited is not overwritten.
  if (document.activeElement === field) return;
  if (field.type === 'checkbox') {
    field.checked = Boolean(value);
    return;
  }
  const text = value === undefined || value === null ? '' : String(value);
  const isKnown = field.tagName !== 'SELECT' || Array.from(field.options).some((option) => option.value === text);
  if (!isKnown) field.appendChild(make('option', '', text));
  field.value = text;
}

// Shows the current answer, even if another page has selected it.
function fillForm(answer) {
  const now = JSON.stringify({ ...answer, count: answer.count === null });
  answering = answer;
  if (now === filled) return;
  filled = now;
  if (answer.answer === 'usual') return;
  for (const field of fieldsOf(answer.answer)) put(field, answer[field.dataset.key]);
  const folded = buttonOf(answer.answer) && buttonOf(answer.answer).closest('details');
  if (folded) folded.open = true;
  if (always(answer.answer)) return;
  const chance = answer.probability;
  put(id('probability'), chance === undefined || chance === null ? 100 : percent(chance));
  id(answer.count === null ? 'always' : 'counted').checked = true;
  if (answer.count !== null) put(id('count'), answer.count);
}

export function drawAnswers(answer) {
  fillForm(answer);
  for (const one of id('answers').querySelectorAll('button[data-answer]')) {
    one.setAttribute('aria-pressed', String(one.dataset.answer === answer.answer));
  }
}

// An empty number is not 0.
export const number = (field) => (field.value === '' ? null : Number(field.value));

function settingsOf(answer) {
  const body = {};
  for (const field of fieldsOf(answer)) {
    const value = field.type === 'checkbox' ? field.checked : field.type === 'number' ? number(field) : field.value;
    // The sandbox reports missing fields.
    if (field.required || (value !== null && value !== '' && value !== false)) body[field.dataset.key] = value;
  }
  if (answer === 'code') {
    if (!body.field) delete body.text;
    else if (!body.text) body.text = id('text').placeholder;
  }
  return body;
}

// Adds the number of requests, if it is selected. Returns null if the number is missing.
export function counting(body) {
  if (!id('counted').checked) return body;
  body.count = number(id('count'));
  if (body.count !== null) return body;
  fault('Не принято. Укажите, на сколько запросов.');
  return null;
}

function withProbability(body) {
  const chance = number(id('probability'));
  if (chance !== null && chance !== 100) body.probability = chance / 100;
  return body;
}

export function choose(answer) {
  const body = { answer, ...settingsOf(answer) };
  const whole = always(answer) ? body : counting(withProbability(body));
  return whole && order('answer', whole);
}

// Changes to the current answer take effect at once.
function listenTo(settings) {
  const { answer } = settings.parentNode.querySelector('button').dataset;
  settings.addEventListener('change', () => {
    if (answer === answering.answer) choose(answer);
  });
  settings.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    choose(answer);
  });
}

export function listenToAnswers() {
  id('answers').addEventListener('click', (event) => {
    const one = event.target.closest('button');
    if (one) choose(one.dataset.answer);
  });
  id('count').addEventListener('input', () => { id('counted').checked = true; });
  document.querySelector('.duration').addEventListener('change', () => {
    if (!always(answering.answer)) choose(answering.answer);
  });
  for (const settings of id('answers').querySelectorAll('.settings')) listenTo(settings);
}
