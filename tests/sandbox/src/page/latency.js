// The delay of every answer.

import { number } from './answers.js';
import { id } from './dom.js';
import { order } from './order.js';

let on = false;
let filled = '';

export const latencyText = (latency) =>
  'задержка ' + latency.seconds + (latency.jitter ? ' ± ' + latency.jitter : '') + ' с';

export const isLate = (latency) => Boolean(latency && (latency.seconds || latency.jitter));

export function drawLatency(latency) {
  on = isLate(latency);
  id('latency-on').checked = on;
  const now = JSON.stringify(latency);
  if (!on || now === filled) return;
  filled = now;
  for (const [name, value] of [['latency-seconds', latency.seconds], ['latency-jitter', latency.jitter]]) {
    if (document.activeElement !== id(name)) id(name).value = value;
  }
}

export const endLatency = () => order('latency', { seconds: 0 });

function begin() {
  const jitter = number(id('latency-jitter'));
  const body = { seconds: number(id('latency-seconds')) };
  if (jitter !== null) body.jitter = jitter;
  return order('latency', body);
}

export function listenToLatency() {
  id('latency').addEventListener('change', async (event) => {
    const isSwitch = event.target === id('latency-on');
    if (isSwitch) await (event.target.checked ? begin() : endLatency());
    else if (on) await begin();
    // A setting that the sandbox refused must not be shown as on.
    id('latency-on').checked = on;
  });
}
