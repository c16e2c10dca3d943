// The magic values; a click copies one.

import { copy } from './copy.js';
import { button, fill, id, make } from './dom.js';

function lineOf(row) {
  const value = button('mono', row.value, async () => {
    const done = await copy(row.value);
    id('copied').textContent = done ? 'Скопировано: ' + row.value : 'Не скопировано: выделите текст.';
  });
  value.title = 'Копировать';
  return make('div', 'magic', value, make('span', 'hint', row.effect));
}

export function learn(rows) {
  id('magic').hidden = !rows.length;
  const parts = [];
  for (const field of new Set(rows.map((row) => row.field))) {
    parts.push(make('h3', '', field), ...rows.filter((row) => row.field === field).map(lineOf));
  }
  fill(id('magic-values'), ...parts);
}
