import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('events.ts', import.meta.url));

// The speed is not checked: it depends on the load of the machine.
it('npm run bench -- events measures latency and tasks, each task done once', async () => {
  const args = ['--rate', '20', '--seconds', '1', '--tasks', '130', '--json'];
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
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
