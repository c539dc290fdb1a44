import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(
  new URL('../../packages/load/src/chaos/chaos-cli.ts', import.meta.url),
);

/** Besides the kills: the start, the wait for the idle system and the checks, on a busy machine. */
const aroundMs = 20 * 60_000;

/** Stops a run that hangs; it need not be this fast. */
export const chaosTimeoutMs = (minutes: number) => minutes * 60_000 + aroundMs;

/**
 * Runs `npm run chaos`, or `npm run chaos -- rolling`, on its own system and expects no violation. Its output, including the seed, goes into the test's
 * report.
 */
export async function survives(
  test: TestContext,
  minutes: number,
  { isRolling = false } = {},
): Promise<void> {
  const args = [...(isRolling ? ['rolling'] : []), '--minutes', String(minutes)];
  const child = spawn(process.execPath, [script, ...args], {
    // The channel stops it in an orderly way when this process exits, however it exits.
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
