let last: Promise<unknown> = Promise.resolve();

/**
 * Resolves in a turn of the event loop of its own, however many ask for one: long work that asks after each piece
 * holds up whatever else there is to do by one piece a turn, no matter how much of such work is under way.
 */
export function nextTurn(): Promise<unknown> {
  last = last.then(() => new Promise(setImmediate));
  return last;
}
