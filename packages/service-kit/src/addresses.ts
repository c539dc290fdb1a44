import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How often names are looked up: name servers of containers let addresses be kept for about as long. */
const lookUpEveryMs = 5_000;

/** How long an address that refused a connection is tried last: about as long as a process takes to restart. */
const avoidMs = 1_000;

/** How long a service whose addresses all refuse connections counts as restarting; then it is down. */
const restartMsMax = 15_000;
const probeEveryMs = 100;
const probeTimeoutMs = 1_000;

export type Addresses = {
  /** The addresses to try for one call, best first: round robin, those to avoid last. */
  inOrder(): readonly string[];
  /** Reports that an address refused a connection, so that the next calls try another one first. */
  avoid(address: string): void;
  /** Reports that a process has responded. */
  responded(): void;
  /**
   * Waits for a service that is restarting: call it when all addresses have refused a connection. Returns whether one
   * accepts connections again within `ms`. False at once when the service is down: calls must not pile up.
   */
  isBack(ms: number): Promise<boolean>;
};

/** Finds all addresses of a name. */
type LookUp = (name: string) => Promise<string[]>;

/**
 * Spreads the calls to a service over its processes. A name stands for all processes whose addresses it has, so that calls
 * follow when some are added or replaced.
 */
export function createAddresses(
  urls: readonly string[],
  lookUp: LookUp = addressesOfName,
): Addresses {
  if (urls.length === 0) throw new Error('A service needs an address');
  const avoidedUntil = new Map<string, number>();
  let known = urls;
  let next = 0;
  let refusals: { since: number; last: number } | undefined;
  let probing: Promise<boolean> | undefined;

  const names = urls.filter(isName);
  const found = new Map(urls.map((url) => [url, [url]]));
  const refresh = async () => {
    for (const url of names) found.set(url, (await behind(url, lookUp)) ?? found.get(url) ?? [url]);
    known = [...found.values()].flat();
  };
  if (names.length > 0) {
    void refresh();
    setInterval(refresh, lookUpEveryMs).unref();
  }

  const isRecent = (time: number) => performance.now() - time < restartMsMax;

  /** One for all calls that wait. */
  async function probe(): Promise<boolean> {
    while (refusals !== undefined && isRecent(refusals.since)) {
      const isAccepted = await Promise.any(known.map(tryToConnect)).catch(() => false);
      if (isAccepted) return true;
      await delay(probeEveryMs, undefined, { ref: false });
      // A process that replaces another may have a new address.
      if (names.length > 0) void refresh();
    }
    return refusals === undefined;
  }

  return {
    inOrder() {
      if (known.length === 1) return known;
      const first = next % known.length;
      next = first + 1;
      const ordered = [...known.slice(first), ...known.slice(0, first)];
      if (avoidedUntil.size === 0) return ordered;
      const now = performance.now();
      for (const [url, end] of avoidedUntil) if (end <= now) avoidedUntil.delete(url);
      const isAvoided = (url: string) => avoidedUntil.has(url);
      return [...ordered.filter((url) => !isAvoided(url)), ...ordered.filter(isAvoided)];
    },
    avoid(address) {
      avoidedUntil.set(address, performance.now() + avoidMs);
    },
    responded() {
      refusals = undefined;
    },
    async isBack(ms) {
      const now = performance.now();
      // Between rare calls, the service may have been back without anyone noticing.
      const since = refusals && isRecent(refusals.last) ? refusals.since : now;
      refusals = { since, last: now };
      if (!isRecent(since)) return false;
      probing ??= probe().finally(() => {
        probing = undefined;
      });
      return Promise.race([probing, delay(ms, false, { ref: false })]);
    },
  };
}

async function tryToConnect(url: string): Promise<true> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    timeout: probeTimeoutMs,
  });
  socket.unref();
  socket.on('timeout', () => socket.destroy(new Error('no connection in time')));
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

/** Certificates are for names, so those of TLS stay. So does the name of this machine. */
function isName(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return (
    protocol === 'http:' && hostname !== 'localhost' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0
  );
}

/** The addresses behind the name in a URL; undefined while it has none, or the name server is unavailable. */
async function behind(url: string, lookUp: LookUp): Promise<string[] | undefined> {
  const { hostname, port } = new URL(url);
  const addresses = await lookUp(hostname).catch(() => []);
  if (addresses.length === 0) return undefined;
  return addresses
    .sort()
    .map((address) => (isIP(address) === 6 ? `[${address}]` : address))
    .map((host) => `http://${host}:${port || '80'}`);
}

async function addressesOfName(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
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
