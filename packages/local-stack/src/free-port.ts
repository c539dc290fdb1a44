import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which operating systems take ports for outgoing connections (Linux starts at
 * 32768), so that no connection of a store's own clients can sit on the port when it restarts.
 */
const lowest = 20_000;
const highest = 32_000;

/** Ports handed out by this process whose owner may not be listening yet. */
const taken = new Set<number>();

/** Whether this process could listen on the port now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** A loopback port nobody listens on and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = randomInt(lowest, highest);
    if (taken.has(port)) continue;
    taken.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port between ${lowest} and ${highest}`);
}
