import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('events.ts', import.meta.url));

async function run(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: child.exitCode, out, err };
}

// How fast it was is not looked at: that depends on what else the machine does.
it('npm run bench -- events measures every way there is, and finds each task done once', async () => {
  const { out, err } = await run('--rate', '20', '--seconds', '1', '--tasks', '130', '--json');
  assert.match(out, /^\{.*\}\n$/, err);
  const { latency, tasks } = JSON.parse(out);
  // The warm-up is not counted.
  assert.deepEqual([latency.raw.count, latency.ours.count >= 20], [20, true]);
  for (const { p50, p99, max } of [latency.raw, latency.ours]) {
    assert.ok(p50 > 0 && p50 <= p99 && p99 <= max, out);
  }
  assert.deepEqual([tasks.count, tasks.exactlyOnce], [130, 130]);
  assert.ok(tasks.ratio > 0 && tasks.perSecond > 0, out);
});

it('npm run bench -- events says in one line what it cannot do', async () => {
  for (const args of [['--tasks', 'many'], ['--rate', '0'], ['--fast']]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^.*See --help\.\n$/);
  }
});
