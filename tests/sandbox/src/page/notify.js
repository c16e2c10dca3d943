// The notifications of a document: one, or two one after another.

import { number } from './answers.js';
import { id, setText } from './dom.js';
import { order } from './order.js';
import { STATUSES } from './words.js';

let status = 'off';
let filled = '';

const stepText = (step) => STATUSES[step.status] + (step.seconds ? ' через ' + step.seconds + ' с' : '');

function fillForm(notify) {
  const now = JSON.stringify(notify);
  if (now === filled) return;
  filled = now;
  if (notify.status === 'off') return;
  const put = (name, value) => { if (document.activeElement !== id(name)) id(name).value = value; };
  const next = (notify.then || [])[0];
  put('notify-seconds', notify.seconds || 0);
  put('notify-then', next ? next.status : '');
  if (next) put('notify-then-seconds', next.seconds || 0);
}

export function drawNotify(notify) {
  status = notify.status;
  fillForm(notify);
  const steps = [notify, ...(notify.then || [])];
  id('notify-now').hidden = steps.length === 1 && !notify.seconds;
  setText('notify-now', 'Сейчас: ' + steps.map(stepText).join(', затем ') + '.');
}

function step(chosen, name) {
  const seconds = number(id(name));
  return seconds ? { status: chosen, seconds } : { status: chosen };
}

function choose(chosen) {
  const next = id('notify-then').value;
  if (chosen === 'off') return order('notify', { status: chosen });
  const first = step(chosen, 'notify-seconds');
  return order('notify', next ? [first, step(next, 'notify-then-seconds')] : first);
}

export function listenToNotify() {
  id('statuses').addEventListener('click', (event) => {
    const one = event.target.closest('button');
    if (one) choose(one.dataset.status);
  });
  id('notify-settings').addEventListener('change', () => { if (status !== 'off') choose(status); });
}
