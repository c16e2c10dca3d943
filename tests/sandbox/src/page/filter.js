// Selects the requests and events that the list shows.

import { id } from './dom.js';
import { textOf as eventText } from './event.js';
import { isBad, textOf } from './request.js';

let words = [];
let faultsOnly = false;

// The text of each item. Every version of a request is a new object.
const texts = new WeakMap();

function textFor(item, isRequest) {
  if (!texts.has(item)) texts.set(item, (isRequest ? textOf(item) : eventText(item)).toLowerCase());
  return texts.get(item);
}

export const isOn = () => faultsOnly || words.length > 0;

export function matches(item, isRequest) {
  if (faultsOnly && !(isRequest && (isBad(item) || item.findings.length))) return false;
  return words.every((word) => textFor(item, isRequest).includes(word));
}

export function listenToFilter(changed) {
  id('search').addEventListener('input', () => {
    words = id('search').value.toLowerCase().split(/\s+/).filter(Boolean);
    changed();
  });
  id('only-faults').addEventListener('change', () => {
    faultsOnly = id('only-faults').checked;
    changed();
  });
}
