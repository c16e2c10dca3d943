// The page's orders to the sandbox.

import { id } from './dom.js';

const LOST = 'Не принято: песочница не отвечает.';

let onReply = () => {};

// Sets the function that receives the reply to an order.
export function setReplyHandler(draw) {
  onReply = draw;
}

export function fault(text) {
  id('fault').textContent = text;
}

export function forgetLoss() {
  if (id('fault').textContent === LOST) fault('');
}

// Returns the reply, or the text of the error.
export async function post(path, body) {
  try {
    const response = await fetch('/sandbox/' + path, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    const reply = await response.json();
    return response.ok ? { reply, error: null } : { reply, error: 'Не принято. ' + reply.error };
  } catch (error) {
    return { reply: null, error: LOST };
  }
}

export async function order(path, body) {
  fault('');
  const { reply, error } = await post(path, body);
  if (error) fault(error);
  else onReply(reply);
}
