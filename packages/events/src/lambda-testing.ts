import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { build } from 'esbuild';

/** Runs handlers as Lambda does: one process, one invocation after the other. */
const runner = `
import * as handlers from './index.mjs';
process.on('message', async ({ handler, event }) => {
  try {
    const context = { getRemainingTimeInMillis: () => 60_000 };
    process.send({ result: await handlers[handler](event, context) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send('ready');
`;

export type Lambda = {
  /** Invokes a handler with an event, and returns its result. Throws what it threw, as text. */
  invoke(handler: string, event: object): Promise<unknown>;
};

/**
 * Bundles a module of Lambda handlers as it is deployed, one ES module with the folders of files that it reads beside
 * it, and starts it in a process with these environment variables.
 */
export async function startLambda(
  test: TestContext,
  options: { entry: string; assets?: readonly string[]; env: Record<string, string> },
): Promise<Lambda> {
  const folder = mkdtempSync(join(tmpdir(), 'queue-manager-lambda-'));
  test.after(() => rmSync(folder, { recursive: true }));
  await build({
    entryPoints: [options.entry],
    outfile: join(folder, 'index.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'error',
    // Packages in CommonJS call require, and some name their own folder.
    banner: {
      js: `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url);
const { dirname: __dirname, filename: __filename } = import.meta;`,
    },
  });
  for (const asset of options.assets ?? []) {
    cpSync(asset, join(folder, basename(asset)), { recursive: true });
  }
  const file = join(folder, 'runner.mjs');
  writeFileSync(file, runner);
  const child = fork(file, { env: { ...process.env, ...options.env }, execArgv: [] });
  test.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await nextMessage(child);
  return {
    async invoke(handler, event) {
      child.send({ handler, event });
      const { result, error } = await nextMessage(child);
      if (error !== undefined) throw new Error(error);
      return result;
    },
  };
}

async function nextMessage(child: ChildProcess): Promise<{ result?: unknown; error?: string }> {
  const exited = once(child, 'exit').then(() => {
    throw new Error('The function exited');
  });
  const [message] = await Promise.race([once(child, 'message'), exited]);
  return message as { result?: unknown; error?: string };
}
