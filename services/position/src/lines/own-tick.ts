let last: Promise<unknown> = Promise.resolve();

/**
 * Resolves in a tick that no other caller shares. Long work that awaits this after each piece delays everything else
 * by at most one piece per tick, however many such jobs run.
 */
export function ownTick(): Promise<unknown> {
  last = last.then(() => new Promise(setImmediate));
  return last;
}
