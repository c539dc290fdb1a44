import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/*
 * A measurement runs in several processes, as the system does, so that one's work is not counted as
 * another's waiting. The measuring process starts the others, tells them when to begin and asks for what they
 * saw; whatever happens to it, they end with it.
 */

export type Worker = {
  /** Resolves with what the worker answers; rejects when it ends before. */
  ask(question: string, details?: object): Promise<unknown>;
  stop(): Promise<void>;
};

/** Starts one of the programs beside this file and waits until it is ready. */
export async function startWorker(program: string, options: object): Promise<Worker> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [JSON.stringify(options)], {
    serialization: 'advanced',
    // What a worker prints is for whoever looks for a fault.
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
  });
  const exited = once(child, 'exit');
  const answer = async () => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const onExit = () => reject(new Error(`${program} ended (${child.exitCode})`));
    child.once('message', resolve).once('exit', onExit);
    try {
      return await promise;
    } finally {
      child.off('message', resolve).off('exit', onExit);
    }
  };
  const worker: Worker = {
    ask(question, details = {}) {
      const answered = answer();
      child.send({ question, details });
      return answered;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
  await answer();
  return worker;
}

/**
 * The other end: says that this worker is ready, answers each question with what its function gives, and
 * ends when the measuring process does not want it any more.
 */
export function answerQuestions(
  // biome-ignore lint/suspicious/noExplicitAny: whoever asks knows what the question takes
  questions: Record<string, (details: any) => unknown>,
  end: () => Promise<void>,
): void {
  process.on('message', async (asked) => {
    const { question, details } = asked as { question: string; details: object };
    const answer = await questions[question]?.(details);
    process.send?.(answer ?? null);
  });
  process.once('disconnect', async () => {
    await end();
    process.exit();
  });
  process.send?.('ready');
}

export function workerOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '') as T;
}

/** Milliseconds on a clock that all processes of a machine share and that never jumps. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Calls `work` so many times a second, however long it takes, and resolves when the last has ended. */
export async function atRate(
  perSecond: number,
  count: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = sharedMs();
  const works: Promise<unknown>[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((sharedMs() - startedAt) * perSecond) / 1_000) + 1);
    while (works.length < due) works.push(work(works.length));
    if (works.length === count) resolve();
  }, 1);
  await promise;
  clearInterval(timer);
  await Promise.all(works);
}
