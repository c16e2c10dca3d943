// The names of the switches.

export const ANSWERS = {
  usual: 'как обычно', refused: 'нет сети', reset: 'обрыв связи', lost: 'ответ потерян', swallowed: 'тишина',
  http_503: 'HTTP 503', html: 'HTML с HTTP 200', redirect: 'редирект', paused: 'ответы придержаны',
  slow: 'медленно', http: 'другой HTTP', code: 'код LifePay', no_uuid: 'без uuid', text_code: 'код строкой',
  php_warning: 'warning PHP', broken_json: 'сломан JSON', empty: 'пустой ответ', cut: 'ответ оборван',
  wrong_length: 'неверная длина', dripping: 'по байту',
};
export const CERTIFICATES = { valid: 'верный', expired: 'просрочен', wrong_name: 'чужое имя' };
export const STATUSES = {
  off: 'выключены', processed: 'обработан', waiting: 'ожидает повтора', error: 'ошибка',
};

const HTTP = (answer) => 'HTTP ' + answer.status +
  (answer.retry_after === undefined || answer.retry_after === null ? '' : ', Retry-After ' + answer.retry_after + ' с') +
  (answer.document ? ', документ создан' : '');

function code(answer) {
  const field = answer.field ? ', ' + answer.field + ': ' + answer.text : '';
  return 'код ' + answer.code + (answer.message ? ' «' + answer.message + '»' : '') + field;
}

const given = (value) => value !== undefined && value !== null;

// Returns the text of an answer with its settings.
export function answerText(answer) {
  const name = ANSWERS[answer.answer] || answer.answer;
  const chance = given(answer.probability) ? ', вероятность ' + percent(answer.probability) + ' %' : '';
  const after = (words) => name + (given(answer.seconds) ? ', ' + words + answer.seconds + ' с' : '');
  const texts = {
    slow: () => after('через '),
    swallowed: () => after('закрыть через '),
    dripping: () => after('через '),
    http: () => HTTP(answer),
    code: () => code(answer),
    wrong_length: () => name + (given(answer.bytes) ? ', на ' + answer.bytes + ' байт' : ''),
  };
  return (texts[answer.answer] ? texts[answer.answer]() : name) + chance;
}

// Rounds away the digits that come from binary fractions.
export const percent = (probability) => Math.round(probability * 1e6) / 1e4;
