import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

const wrongOptions = {
  apps: [['--only', 'nothing'], ['--waiting', '10'], ['--seconds', 'many'], ['--fast']],
  broker: [['--queued', 'many'], ['--rounds', '0'], ['--fast']],
  events: [['--tasks', 'many'], ['--rate', '0'], ['--fast']],
  line: [['--waiting', '100'], ['--rounds', '0'], ['--seconds', 'many'], ['--fast']],
  live: [
    ['--waiting', '10'],
    ['--streams', 'all'],
    ['--calls', '0'],
    ['--door', 'back'],
    ['--fast'],
  ],
  neighbour: [['--seconds', '0'], ['--only', 'nothing'], ['--fast']],
  traces: [['--rounds', '0'], ['--seconds', 'many'], ['--fast']],
};

describe('npm run bench', () => {
  for (const [name, commandLines] of Object.entries(wrongOptions)) {
    it(`${name} refuses wrong options with one line`, async () => {
      for (const args of commandLines) {
        const program = join(import.meta.dirname, name, `${name}.ts`);
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
  }
});
