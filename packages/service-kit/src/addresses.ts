/** A process that refused a connection is left alone for this long: one that restarts is away for about as long. */
const restMs = 1_000;

export type Addresses = {
  /** The addresses to try for one call, best first: each takes its turn, and those that rest come last. */
  turn(): readonly string[];
  /** Says that an address refused a connection, so that the next calls begin with another. */
  rest(address: string): void;
};

/** Shares the calls to a service among the processes that run it. */
export function createAddresses(urls: readonly string[]): Addresses {
  if (urls.length === 0) throw new Error('A service needs an address');
  const restEnds = new Map<string, number>();
  let next = 0;

  return {
    turn() {
      if (urls.length === 1) return urls;
      const first = next;
      next = (next + 1) % urls.length;
      const inTurn = [...urls.slice(first), ...urls.slice(0, first)];
      if (restEnds.size === 0) return inTurn;
      const now = performance.now();
      for (const [url, end] of restEnds) if (end <= now) restEnds.delete(url);
      const isRested = (url: string) => restEnds.has(url);
      return [...inTurn.filter((url) => !isRested(url)), ...inTurn.filter(isRested)];
    },
    rest(address) {
      restEnds.set(address, performance.now() + restMs);
    },
  };
}

const refusals = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether no connection could be made: nothing was sent, so that anything may be sent elsewhere. */
export function isRefusal(error: unknown): boolean {
  return refusals.has(codeOf(error));
}

const breaks = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Whether a connection broke before an answer came: what was sent may have been done. */
export function isBreak(error: unknown): boolean {
  return breaks.has(codeOf(error));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}
