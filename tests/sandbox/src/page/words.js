// What the switches are called.

export const ANSWERS = {
  usual: 'как обычно', refused: 'нет сети', reset: 'обрыв связи', http_503: 'HTTP 503', slow: 'медленно',
  lost: 'ответ потерян', html: 'HTML с HTTP 200', redirect: 'редирект', code: 'код LifePay',
};
export const CERTIFICATES = { valid: 'верный', expired: 'просрочен', wrong_name: 'чужое имя' };
