import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { until } from '@queue-manager/service-kit/testing';
import { services, withPositionProcesses } from './services.ts';
import { restartOnChange } from './watch-files.ts';

const root = mkdtempSync(join(tmpdir(), 'queue-manager-watch-'));
after(() => rmSync(root, { recursive: true }));
const names = services.map((service) => service.name);
for (const folder of [
  ...names.map((name) => `services/${name}/src`),
  ...['contracts', 'service-kit', 'events'].map((name) => `packages/${name}/src`),
]) {
  mkdirSync(join(root, folder, 'deep'), { recursive: true });
}

suite('a change of files', () => {
  test('restarts the affected services only, once for many files', async () => {
    const restarted: string[] = [];
    const restart = async (name: string) => {
      restarted.push(name);
      if (restarted.length === 1) throw new Error('queue could not start');
    };
    const lines: string[] = [];
    const end = restartOnChange({ restart }, (line) => lines.push(line), services, root);
    try {
      writeFileSync(join(root, 'services/queue/src/line.test.ts'), '');
      for (const file of ['line.ts', 'app.ts', 'deep/down.ts']) {
        writeFileSync(join(root, 'services/queue/src', file), '');
      }
      await until('one service was restarted', () => restarted.length > 0);
      assert.deepEqual([...new Set(restarted)], ['queue']);
      await until('its failure was told', () => lines.includes('queue could not start'));

      restarted.length = 0;
      writeFileSync(join(root, 'packages/contracts/src/values.ts'), '');
      await until('all were restarted', () => new Set(restarted).size >= names.length);
      assert.deepEqual([...new Set(restarted)].sort(), [...names].sort());
    } finally {
      end();
    }
  });

  test('restarts every process of its service', async () => {
    const restarted: string[] = [];
    const restart = async (name: string) => void restarted.push(name);
    const end = restartOnChange({ restart }, () => {}, withPositionProcesses(2), root);
    try {
      writeFileSync(join(root, 'services/position/src/lines.ts'), '');
      await until('both were restarted', () => new Set(restarted).size === 2);
      assert.deepEqual([...new Set(restarted)].sort(), ['position', 'position-2']);
    } finally {
      end();
    }
  });
});
