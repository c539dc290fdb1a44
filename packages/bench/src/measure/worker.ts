import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repositoryRoot } from '@queue-manager/local-stack/repository';

/*
 * A measurement runs in several processes, as the system does, so that the work of one is not measured as latency
 * of another. The measuring process starts workers, tells them when to begin and asks for their figures. Workers
 * exit with it, however it ends.
 */

export type Worker = {
  /** Resolves with the worker's answer; rejects when the worker exits first. One question at a time. */
  ask(question: string, details?: object): Promise<unknown>;
  stop(): Promise<void>;
};

/**
 * Starts a worker and waits until it is ready.
 *
 * @param program path of its file from the repository's root.
 */
export async function startWorker(program: string, options: object = {}): Promise<Worker> {
  const child = fork(join(repositoryRoot, program), [JSON.stringify(options)], {
    serialization: 'advanced',
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
  });
  const exited = once(child, 'exit');
  const answer = async () => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const onExit = () => reject(new Error(`${program} exited (${child.exitCode})`));
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

export async function stopAll(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()));
}

/**
 * The worker's side: reports that it is ready, answers each question with the result of its function, and exits
 * when the measuring process disconnects.
 */
export function answerQuestions(
  // biome-ignore lint/suspicious/noExplicitAny: each question has details of its own type
  questions: Record<string, (details: any) => unknown>,
  close: () => Promise<void> = async () => {},
): void {
  process.on('message', async (message) => {
    const { question, details } = message as { question: string; details: object };
    const answer = await questions[question]?.(details);
    process.send?.(answer ?? null);
  });
  process.once('disconnect', async () => {
    await close();
    process.exit();
  });
  process.send?.('ready');
}

export function workerOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '') as T;
}

/** CPU time of this process, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Milliseconds on a monotonic clock that all processes of a machine share. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts `work` at a steady rate, however long each takes, and resolves when the last has finished. */
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
