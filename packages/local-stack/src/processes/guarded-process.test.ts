import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { until } from '@queue-manager/service-kit/testing';
import { type Exit, processesOf, startGuarded } from './guarded-process.ts';

const node = process.execPath;

function runScript(script: string, output: (line: string) => void = () => {}) {
  return startGuarded({ file: node, args: ['-e', script] }, output);
}

suite('a guarded process', () => {
  test('passes on its exit code and its lines, including a last one without a line end', async () => {
    const lines: string[] = [];
    const child = runScript(
      'process.stdout.write("one\\ntw"); process.stdout.write("o"); process.exitCode = 7',
      (line) => lines.push(line),
    );
    assert.deepEqual(await child.exited, { code: 7, signal: null });
    await until('both lines are there', () => lines.length === 2);
    assert.deepEqual(lines, ['one', 'two']);
  });

  test('passes on the signal that ended it', async () => {
    const child = runScript('process.kill(process.pid, "SIGKILL")');
    assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' });
  });

  test('exits in its own way when it is stopped', async () => {
    const lines: string[] = [];
    const child = runScript(
      `process.on('SIGTERM', () => { console.log('tidying'); setTimeout(() => process.exit(3), 50); });
       setInterval(() => {}, 1000); console.log('up');`,
      (line) => lines.push(line),
    );
    await until('it is up', () => lines.includes('up'));
    assert.deepEqual(await child.stop(20_000), { code: 3, signal: null });
    assert.deepEqual(lines, ['up', 'tidying']);
    assert.deepEqual(processesOf(child.group), []);
  });

  test('is killed with its children when it does not exit in time', async () => {
    const lines: string[] = [];
    const child = runScript(
      `process.on('SIGTERM', () => {});
       setInterval(() => {}, 1000);
       require('node:child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)']);
       console.log('up');`,
      (line) => lines.push(line),
    );
    await until('it is up', () => lines.includes('up'));
    assert.deepEqual(await child.stop(100), { code: null, signal: 'SIGKILL' });
    assert.deepEqual(processesOf(child.group), []);
  });

  test('leaves nothing of its group behind when it exits by itself', async () => {
    const child = runScript(
      `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).unref();`,
    );
    assert.deepEqual(await child.exited, { code: 0, signal: null });
    assert.deepEqual(processesOf(child.group), []);
  });

  test('does not receive the signals of its supervisor’s terminal', async () => {
    const child = runScript('setInterval(() => {}, 1000)');
    // Fields of /proc/<pid>/stat after the command's name: state, parent, group, session.
    const stat = readFileSync(`/proc/${child.group}/stat`, 'utf8');
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    assert.equal(session, String(child.group), 'it leads a session of its own');
    await child.stop(20_000);
  });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
    test(`does not outlive a supervisor ended by ${signal}, even when it ignores signals`, async () => {
      const supervisor = spawn(
        node,
        [
          '--input-type=module',
          '-e',
          `import { startGuarded } from ${JSON.stringify(new URL('guarded-process.ts', import.meta.url).href)};
           const deaf = 'for (const s of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(s, () => {}); setInterval(() => {}, 1000); console.log("up")';
           const child = startGuarded({ file: process.execPath, args: ['-e', deaf] }, () => console.log(child.group));`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const [chunk] = (await once(supervisor.stdout, 'data')) as [Buffer];
      const group = Number(chunk.toString());
      assert.ok(processesOf(group).length >= 2, 'the guard and its command are running');
      supervisor.kill(signal);
      await until('its group is empty', () => processesOf(group).length === 0);
    });
  }

  test('fails when the command does not exist', async () => {
    const lines: string[] = [];
    const child = startGuarded({ file: '/nowhere/to/be-found', args: [] }, (line) =>
      lines.push(line),
    );
    const exit: Exit = await child.exited;
    assert.equal(exit.code, 127);
    await until('it was said', () => lines.some((line) => line.includes('/nowhere/to/be-found')));
  });
});
