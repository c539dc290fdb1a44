import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StackError } from './stack-error.ts';

/**
 * Below the range from which operating systems take ports for outgoing connections (Linux starts at
 * 32768), so that no connection of a store's own clients can sit on the port when it restarts.
 */
const lowest = 20_000;
const highest = 32_000;

/** Ports handed out by this process whose owner may not be listening yet. */
const taken = new Set<number>();

/** The error code with which listening on the port fails now; undefined when it would work. */
async function listenError(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

/** Whether this process could listen on the loopback port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await listenError(port, '127.0.0.1')) === undefined;
}

/**
 * Makes sure that a port which a person chose can be listened on.
 *
 * @param variable by which it was chosen, or can be.
 * @throws StackError with one line that says why not, and how to choose another one.
 */
export async function requirePort(port: number, variable: string, host = '127.0.0.1') {
  const code = await listenError(port, host);
  if (code === undefined) return;
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} is taken`,
    EACCES: `port ${port} is not for this user`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
  };
  const mend = code === 'EADDRNOTAVAIL' ? 'HOST' : variable;
  const reason = reasons[code] ?? `cannot listen on ${host} port ${port} (${code})`;
  throw new StackError(`${reason}: set ${mend} to another one`);
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
