import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { judge, predictWaits } from './judge-trace.ts';
import { syntheticDays } from './testing.ts';

const script = fileURLToPath(new URL('estimates-cli.ts', import.meta.url));

describe('npm run estimates', () => {
  const trace = syntheticDays('a desk', 2);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'queue-manager-estimates-'));
    const rows = trace.map((row) =>
      [row.day, row.arrivalSeconds, row.waitSeconds, row.outcome, row.isPriority ? 2 : 1].join(','),
    );
    const text = ['day,arrival_s,wait_s,outcome,priority', ...rows, ''].join('\n');
    writeFileSync(join(folder, 'days.csv'), text);
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (...args: string[]) =>
    spawnSync(process.execPath, [script, ...args], {
      encoding: 'utf8',
      cwd: folder,
      env: { INIT_CWD: folder },
    });

  it('prints one JSON object, and writes the predictions of judged guests', () => {
    const { status, stdout, stderr } = run(
      'days.csv',
      '--json',
      '--predictions',
      'predictions.csv',
    );
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const predictions = predictWaits(trace);
    assert.deepEqual(JSON.parse(stdout), judge(predictions));
    const served = predictions.filter(({ arrival }) => arrival.outcome === 'served');
    const lines = served.map(({ arrival: { day, arrivalSeconds, waitSeconds }, model }) =>
      [day, arrivalSeconds, waitSeconds, model.p10, model.p50, model.p90].join(),
    );
    assert.deepEqual(readFileSync(join(folder, 'predictions.csv'), 'utf8').split('\n'), [
      'day,arrival_s,wait_s,p10,p50,p90',
      ...lines,
      '',
    ]);
  });

  it('prints a table without --json', () => {
    const { status, stdout } = run('days.csv');
    assert.equal(status, 0);
    assert.match(stdout, /^our model +\d+\.\d s +\d+\.\d % +\d+\.\d %$/m);
    assert.match(stdout, /^priority +\d+/m);
    assert.match(stdout, /^week 1 +\d+/m);
  });

  it('exits with 1 and a one-line error for bad arguments', () => {
    const refusals: [string[], RegExp][] = [
      [[], /name one FILE/],
      [['a.csv', 'b.csv'], /name one FILE/],
      [['none.csv'], /none\.csv: there is no such file/],
      [['days.csv', '--jsn'], /--jsn/],
      [['days.csv', '--predictions', 'no/such/folder.csv'], /cannot write .*ENOENT/],
    ];
    for (const [args, expected] of refusals) {
      const { status, stdout, stderr } = run(...args);
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^[^\n]+\n$/);
      assert.match(stderr, expected);
    }
  });
});
