import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('line.ts', import.meta.url));

it('npm run bench -- line says in one line what it cannot do', async () => {
  for (const args of [['--waiting', '100'], ['--rounds', '0'], ['--seconds', 'many'], ['--fast']]) {
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
