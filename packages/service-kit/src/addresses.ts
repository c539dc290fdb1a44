/** How long an address that refused a connection is tried last: about as long as a process takes to restart. */
const avoidMs = 1_000;

export type Addresses = {
  /** The addresses to try for one call, best first: round robin, those to avoid last. */
  inOrder(): readonly string[];
  /** Reports that an address refused a connection, so that the next calls try another one first. */
  avoid(address: string): void;
};

/** Spreads the calls to a service over its processes. */
export function createAddresses(urls: readonly string[]): Addresses {
  if (urls.length === 0) throw new Error('A service needs an address');
  const avoidedUntil = new Map<string, number>();
  let next = 0;

  return {
    inOrder() {
      if (urls.length === 1) return urls;
      const first = next;
      next = (next + 1) % urls.length;
      const ordered = [...urls.slice(first), ...urls.slice(0, first)];
      if (avoidedUntil.size === 0) return ordered;
      const now = performance.now();
      for (const [url, end] of avoidedUntil) if (end <= now) avoidedUntil.delete(url);
      const isAvoided = (url: string) => avoidedUntil.has(url);
      return [...ordered.filter((url) => !isAvoided(url)), ...ordered.filter(isAvoided)];
    },
    avoid(address) {
      avoidedUntil.set(address, performance.now() + avoidMs);
    },
  };
}

const connectErrorCodes = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether no connection could be made. Nothing was sent, so any call may be sent to another address. */
export function isConnectError(error: unknown): boolean {
  return connectErrorCodes.has(codeOf(error));
}

const connectionLostCodes = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Whether the connection was lost before the answer. The service may have done what it was asked to do. */
export function isConnectionLost(error: unknown): boolean {
  return connectionLostCodes.has(codeOf(error));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}
