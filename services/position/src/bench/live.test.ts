import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('live.ts', import.meta.url));

it('npm run bench -- live says in one line what it cannot do', async () => {
  for (const args of [
    ['--waiting', '10'],
    ['--streams', 'all'],
    ['--calls', '0'],
    ['--door', 'back'],
    ['--fast'],
  ]) {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    assert.deepEqual([child.exitCode, out], [1, '']);
    assert.match(err, /^.*See --help\.\n$/);
  }
});
