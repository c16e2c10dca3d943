// How much later every answer comes.

import { number } from './answers.js';
import { id, setText } from './dom.js';
import { order } from './order.js';

let on = false;
let filled = '';

export const latencyText = (latency) =>
  'задержка ' + latency.seconds + (latency.jitter ? ' ± ' + latency.jitter : '') + ' с';

export const isLate = (latency) => Boolean(latency && (latency.seconds || latency.jitter));

export function drawLatency(latency) {
  on = isLate(latency);
  id('latency-on').setAttribute('aria-pressed', String(on));
  setText('latency-on', on ? 'выключить' : 'включить');
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
  order('latency', body);
}

export function listenToLatency() {
  id('latency-on').addEventListener('click', () => { if (on) endLatency(); else begin(); });
  id('latency').addEventListener('change', () => { if (on) begin(); });
}
