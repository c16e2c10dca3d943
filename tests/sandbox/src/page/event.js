// What is shown of what happens beside requests: notifications, and TLS that failed.

import { clock, fill, make, pretty } from './dom.js';
import { CERTIFICATES } from './words.js';

export function cellsBeside(event) {
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
    fill(wide, make('span', '', 'Соединение ' + event.connection + ': TLS не установлен, сертификат ' +
      CERTIFICATES[event.certificate] + name));
    fill(result, make('span', 'pill warn', 'касса отказалась'));
  }
  return [
    make('td', 'time', clock(event.time)), wide, result,
    make('td', 'number', event.took_ms === undefined || event.took_ms === null ? '' : event.took_ms),
  ];
}

export function allBeside(event) {
  if (event.kind === 'notification') {
    const outcome = event.error || (event.http_status === null ? 'ожидает ответа…' : 'HTTP ' + event.http_status);
    return make('div', '', make('p', '', 'POST ' + event.url), make('h3', '', 'Поле data'),
      make('pre', 'sent', pretty(event.data)), make('h3', '', 'Ответ кассы'), make('pre', '', outcome));
  }
  return make('div', '', make('h3', '', 'Почему TLS не установлен'), make('pre', '', event.error));
}
