// Keeps the row that is being read at its place on the screen while rows are added and removed.

import { id } from './dom.js';

// The number of rows that were added since the list's top was last visible.
let unseen = 0;
let holding = false;
let stopped = false;

// The element that scrolls: the list, or the whole page on a narrow screen.
const scroller = () =>
  (getComputedStyle(id('list')).overflowY === 'auto' ? id('list') : document.scrollingElement);

function view() {
  const area = scroller();
  if (area === document.scrollingElement) return { top: 0, bottom: innerHeight };
  const { top, bottom } = area.getBoundingClientRect();
  return { top: top + id('list').querySelector('thead').getBoundingClientRect().height, bottom };
}

const lines = () => Array.from(id('feed').children).filter((line) => !line.hidden);

function firstSeen() {
  const { top, bottom } = view();
  const first = lines().find((line) => line.getBoundingClientRect().bottom > top + 1);
  return first && first.getBoundingClientRect().top < bottom ? first : null;
}

function isPastTop() {
  const first = id('feed').firstElementChild;
  return Boolean(first) && first.getBoundingClientRect().top < view().top - 1;
}

function isDetailSeen() {
  const { top, bottom } = view();
  return lines().some((line) => {
    if (!line.classList.contains('detail')) return false;
    const place = line.getBoundingClientRect();
    return place.bottom > top && place.top < bottom;
  });
}

function draw() {
  const button = id('unseen');
  button.hidden = unseen === 0;
  button.textContent = 'Новых: ' + unseen + ' ↑';
}

// A stopped list keeps its place too, but new rows are not counted.
export function stop(on) {
  stopped = on;
}

export const isHolding = () => holding;

// Counts a row that was added above the held one.
export function added() {
  if (holding && !stopped) unseen += 1;
}

// Adds room below a short list, so that it can be scrolled far enough.
const setRoom = (pixels) => { id('room').style.height = pixels ? pixels + 'px' : ''; };

export function keepPlace(change) {
  const seen = isPastTop() || isDetailSeen() || stopped ? firstSeen() : null;
  const before = seen && seen.getBoundingClientRect().top;
  holding = Boolean(seen);
  try {
    change();
  } finally {
    holding = false;
  }
  draw();
  if (!seen || !seen.isConnected) return;
  const moved = () => seen.getBoundingClientRect().top - before;
  scroller().scrollTop += moved();
  if (moved() > 1) {
    const unused = Math.max(0, view().bottom - id('room').getBoundingClientRect().bottom);
    setRoom(id('room').offsetHeight + Math.ceil(unused + moved()));
    scroller().scrollTop += moved();
  }
}

export function forget() {
  unseen = 0;
  setRoom(0);
  draw();
}

function toTop() {
  if (scroller() === id('list')) id('list').scrollTop = 0;
  else id('requests').scrollIntoView();
  forget();
  id('list').focus({ preventScroll: true });
}

export function listenToPlace() {
  id('unseen').addEventListener('click', toTop);
  const scrolled = () => { if (unseen && !isPastTop()) forget(); };
  id('list').addEventListener('scroll', scrolled, { passive: true });
  document.addEventListener('scroll', scrolled, { passive: true });
}
