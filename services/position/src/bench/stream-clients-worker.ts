/**
 * The watchers: streams over plain sockets, each of which knows the last event it was told and when. What they
 * take apart is so little that they do not hold up what is measured.
 */
import { createConnection, type Socket } from 'node:net';
import { answerQuestions, sharedMs } from '@queue-manager/queue/bench/worker';

const openAtOnce = 100;

type Watcher = {
  socket: Socket;
  tail: string;
  seq: number;
  state: string;
  /** When it was told of its state. */
  stateAt: number;
  /** Told since the last `mark`. */
  isTold: boolean;
};

export type Open = { url: string; paths: string[]; from: string };
/** Of those that wait for the same event: how many were told, when the last was, and the bytes of one event. */
export type Told = { count: number; lastAt: number; sample: string };

let watchers: Watcher[] = [];
let broken = 0;
let missing = 0;
let told = 0;
let lastAt = 0;
let sample = '';
let settle: (() => void) | undefined;

function onData(watcher: Watcher, piece: Buffer): void {
  const text = watcher.tail + piece.toString('latin1');
  const isWhole = text.endsWith('\n\n') || text.endsWith('\n\n\r\n');
  watcher.tail = isWhole ? '' : text.slice(-1_000);
  const at = text.lastIndexOf('"seq":');
  if (at === -1) return;
  const seq = Number.parseInt(text.slice(at + 6, at + 18), 10);
  const end = text.indexOf('}', at);
  if (end === -1 || seq <= watcher.seq) return;
  watcher.seq = seq;
  const now = sharedMs();
  const state = /"state":"(\w+)"/.exec(text.slice(text.lastIndexOf('"state":'), at))?.[1] ?? '';
  if (state !== watcher.state) {
    watcher.state = state;
    watcher.stateAt = now;
  }
  if (state !== 'waiting' || watcher.isTold) return;
  watcher.isTold = true;
  told += 1;
  lastAt = now;
  sample = text.slice(Math.max(0, text.lastIndexOf('event:', at)), end + 3);
  if (told >= missing) settle?.();
}

function open(from: string, url: URL, path: string): Promise<Watcher> {
  const { promise, resolve, reject } = Promise.withResolvers<Watcher>();
  const socket = createConnection({
    host: url.hostname,
    port: Number(url.port),
    localAddress: from,
  });
  const watcher = { socket, tail: '', seq: -1, state: '', stateAt: 0, isTold: false };
  socket.setNoDelay(true);
  socket.on('data', (piece: Buffer) => {
    onData(watcher, piece);
    if (watcher.seq >= 0) resolve(watcher);
    else if (/^HTTP\/1.1 [345]/.test(piece.toString('latin1', 0, 12)))
      reject(new Error(String(piece)));
  });
  socket.on('error', reject);
  socket.on('close', () => {
    broken += 1;
    reject(new Error('closed'));
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: text/event-stream\r\n\r\n`);
  return promise;
}

answerQuestions(
  {
    /** Opens a stream a path, each of which is told how things stand. */
    async open({ url, paths, from }: Open): Promise<number> {
      broken = 0;
      const base = new URL(url);
      let next = 0;
      const opened: Watcher[] = [];
      await Promise.all(
        Array.from({ length: openAtOnce }, async () => {
          for (let index = next++; index < paths.length; index = next++) {
            opened[index] = await open(from, base, paths[index] as string);
          }
        }),
      );
      watchers = opened;
      return watchers.length;
    },
    /** From now on the watchers who wait are expected to be told; all but one who is called, if it is here. */
    mark(): number {
      told = 0;
      for (const watcher of watchers) watcher.isTold = false;
      return watchers.filter(({ state }) => state === 'waiting').length;
    },
    /** Waits until so many were told. */
    async told({ count, withinMs }: { count: number; withinMs: number }): Promise<Told> {
      missing = count;
      if (told < missing) {
        const { promise, resolve } = Promise.withResolvers<void>();
        settle = resolve;
        const timer = setTimeout(resolve, withinMs);
        await promise;
        clearTimeout(timer);
        settle = undefined;
      }
      return { count: told, lastAt, sample };
    },
    /** When this watcher was told that it is called; null when it was not. */
    calledAt({ index }: { index: number }): number | null {
      const watcher = watchers[index];
      return watcher?.state === 'called' ? watcher.stateAt : null;
    },
    broken: () => broken,
    close() {
      for (const { socket } of watchers) socket.destroy();
      watchers = [];
    },
  },
  async () => {
    for (const { socket } of watchers) socket.destroy();
  },
);
