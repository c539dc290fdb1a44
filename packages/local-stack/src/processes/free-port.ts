import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StackError } from '../stack-error.ts';

/**
 * Below the range from which operating systems take ports for outgoing connections (Linux starts at
 * 32768), so that no connection of a store's own clients can sit on the port when it restarts.
 */
const lowest = 20_000;
const highest = 32_000;

/**
 * Each process takes ports from blocks of its own, so that no other takes one that nobody listens on just
 * now: before its owner's start, or while it restarts. The first port of a block says whose it is, by being
 * listened on; it is free again when the process ends, however it ends.
 */
const blockSize = 100;

/** Ports of this process's blocks that were not handed out yet. */
const left: number[] = [];

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

/** A loopback port nobody listens on, and that neither this process nor another has handed out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const [port] = left.splice(randomInt(Math.max(left.length, 1)), 1);
    if (port === undefined) await moreBlocks();
    else if (await isPortFree(port)) return port;
  }
}

/** Who asks while a block is being claimed takes from that one. */
let claiming: Promise<void> | undefined;

function moreBlocks(): Promise<void> {
  claiming ??= claimBlock().finally(() => {
    claiming = undefined;
  });
  return claiming;
}

async function claimBlock(): Promise<void> {
  const blocks = (highest - lowest) / blockSize;
  for (let attempt = 0; attempt < 10 * blocks; attempt++) {
    const first = lowest + blockSize * randomInt(blocks);
    if (!(await holdPort(first))) continue;
    for (let port = first + 1; port < first + blockSize; port++) left.push(port);
    return;
  }
  throw new Error(`no free port between ${lowest} and ${highest}`);
}

/** Listens on a loopback port until this process ends; false when somebody else does. */
async function holdPort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const holder = createServer((socket) => socket.destroy());
    holder.once('error', () => resolve(false));
    holder.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      holder.unref();
      resolve(true);
    });
  });
}
