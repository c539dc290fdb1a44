import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StackError } from '../stack-error.ts';

/**
 * Below the ephemeral range for outgoing connections (from 32768 on Linux), so that no client's connection occupies
 * the port of a store that restarts.
 */
const lowest = 20_000;
const highest = 32_000;

/**
 * Each process takes ports from its own blocks, so that no other process takes a port while its owner has not started
 * or restarts. A process claims a block by listening on its first port, which frees the block however it exits.
 */
const blockSize = 100;

/** Ports of this process's blocks that are not assigned yet. */
const left: number[] = [];

/** The error code of listening on the port; undefined when it works. */
async function listenError(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

/** Whether this process can listen on the loopback port. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await listenError(port, '127.0.0.1')) === undefined;
}

/**
 * Checks that the system can listen on a configured port.
 *
 * @param variable the environment variable of the port.
 * @throws StackError that says in one line why not, and which variable to change.
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

/** A free loopback port that no process has been assigned before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const [port] = left.splice(randomInt(Math.max(left.length, 1)), 1);
    if (port === undefined) await moreBlocks();
    else if (await isPortFree(port)) return port;
  }
}

/** Requests made while a block is being claimed wait for that block. */
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

/** Listens on a loopback port until this process exits; false when another process does. */
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
