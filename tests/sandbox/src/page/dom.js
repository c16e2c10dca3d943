// Elements and texts. The contents of a request are added to the document only as text.

export const id = (name) => document.getElementById(name);

// Makes an element with a class and children: elements, or values that become text.
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) {
    if (child === null || child === undefined) continue;
    element.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export function button(className, text, act) {
  const element = make('button', className, text);
  element.type = 'button';
  element.addEventListener('click', act);
  return element;
}

// Makes a cell with its column's name, which is shown when the table becomes cards.
export function cell(label, className, ...children) {
  const element = make('td', className, ...children);
  element.dataset.label = label;
  return element;
}

// Makes a text of at most a few lines; its tooltip shows all of it.
export function clamped(className, text) {
  const span = make('span', 'clamped ' + className, text);
  span.title = text;
  return span;
}

const LONG = 4000;

// Makes a text that is cut if it is very long, with a button that shows the rest.
export function long(tag, className, text) {
  const element = make(tag, className, text);
  if (text.length <= LONG) return element;
  element.textContent = text.slice(0, LONG) + '…';
  element.tabIndex = -1;
  const whole = button('more', 'показать всё: ' + counted(text.length, 'символ', 'символа', 'символов'), () => {
    element.textContent = text;
    element.focus({ preventScroll: true });
    whole.remove();
  });
  return make('div', '', element, whole);
}

// Makes the warning about a second document. The first one's ext_id stays on one line, if it fits.
export function secondNote(before) {
  const text = 'двойная печать: первый документ ';
  return before ? make('span', 'note alarm', text + 'под ext_id ', make('span', 'mono whole', before))
    : make('span', 'note alarm', text + 'без ext_id');
}

// Makes a path that breaks after a slash rather than at a hyphen.
export function pathOf(path) {
  const span = make('span', 'path');
  path.split('/').forEach((part, position) => {
    if (position) span.append('/', make('wbr', ''));
    span.append(part);
  });
  return span;
}

export function fill(element, ...children) {
  element.textContent = '';
  for (const child of children) if (child) element.appendChild(child);
}

// Sets a text only if it differs, because screen readers announce a status whenever it is set.
export function setText(name, text) {
  if (id(name).textContent !== text) id(name).textContent = text;
}

export function counted(count, one, few, many) {
  const tens = count % 100, ones = count % 10;
  const form = tens > 10 && tens < 20 ? many : ones === 1 ? one : ones > 1 && ones < 5 ? few : many;
  return count + ' ' + form;
}

export const plain = (value) =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

export function clock(time) {
  const date = new Date(time);
  const digits = (number) => String(number).padStart(2, '0');
  return digits(date.getHours()) + ':' + digits(date.getMinutes()) + ':' + digits(date.getSeconds());
}

// Formats a time with its date, in local time too.
export function moment(time) {
  const date = new Date(time);
  const digits = (number) => String(number).padStart(2, '0');
  return date.getFullYear() + '-' + digits(date.getMonth() + 1) + '-' + digits(date.getDate()) + ' ' +
    clock(time) + '.' + String(date.getMilliseconds()).padStart(3, '0');
}

export const pretty = (value) => JSON.stringify(value, null, 2);
