import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(
  new URL('../../packages/load/src/chaos/chaos-cli.ts', import.meta.url),
);

/** Beside the kills: a start, the way back to rest and the checks, on a machine that is busy with other tests. */
const aroundMs = 20 * 60_000;

/** Bounds a run that hangs; not a measure of how fast it has to be. */
export const chaosTimeoutMs = (minutes: number) => minutes * 60_000 + aroundMs;

/**
 * Runs `npm run chaos` as a person does, on a system of its own, and wants it to find nothing. What it
 * says, the seed included, goes into the test's report.
 */
export async function survives(test: TestContext, minutes: number): Promise<void> {
  const child = spawn(process.execPath, [script, '--minutes', String(minutes)], {
    // The channel ends it in an orderly way when this process ends, however that ends.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  test.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'close');
  });
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    said.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    said.err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) test.diagnostic(said.out.trim());
  assert.equal(code, 0, said.err + said.out);
}
