// The rows of events other than requests: notifications and failed TLS handshakes.

import { again } from './detail.js';
import { cell, clock, long, make, plain, pretty } from './dom.js';
import { CERTIFICATES } from './words.js';

const outcomeOf = (event) => {
  if (event.kind !== 'notification') return ['warn', 'касса отказалась'];
  if (event.error) return ['warn', 'не доставлено'];
  if (event.http_status === null) return ['pending', 'ожидает ответа…'];
  const good = event.http_status >= 200 && event.http_status < 300;
  return [good ? 'good' : 'warn', 'HTTP ' + event.http_status];
};

function titleOf(event) {
  if (event.kind === 'notification') return 'Уведомление «' + event.status + '» к запросу ' + event.request;
  const name = event.server_name ? ', имя ' + event.server_name : '';
  return 'Соединение ' + event.connection + ': TLS не установлен, сертификат ' +
    CERTIFICATES[event.certificate] + name;
}

// Returns the text in which a search looks for words.
export const textOf = (event) => [titleOf(event), outcomeOf(event)[1], event.url, event.data, event.error]
  .map(plain).join('\n');

export function eventCells(event) {
  const wide = cell('событие', '', titleOf(event));
  wide.colSpan = 2;
  const [tone, text] = outcomeOf(event);
  const known = event.took_ms !== undefined && event.took_ms !== null;
  return [
    cell('время', 'time', clock(event.time)), wide,
    cell('ответ', 'answer', make('span', 'pill ' + tone, text),
      known ? make('span', 'took', ' ' + event.took_ms + ' мс') : null),
  ];
}

export function eventDetail(event) {
  if (event.kind === 'notification') {
    const outcome = event.error || (event.http_status === null ? 'ожидает ответа…' : 'HTTP ' + event.http_status);
    return make('div', '', make('p', '', 'POST ' + event.url), again('Отправить ещё раз', 'resend', event.number),
      make('h3', '', 'Поле data'), long('pre', 'sent', pretty(event.data)),
      make('h3', '', 'Ответ кассы'), long('pre', '', outcome));
  }
  return make('div', '', make('h3', '', 'Почему TLS не установлен'), long('pre', '', event.error));
}
