import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { freePort, isPortFree } from './free-port.ts';

const take = (count: number) => Promise.all(Array.from({ length: count }, freePort));

describe('freePort', () => {
  it('returns each port once, also to concurrent requests', async () => {
    const ports = await take(250);
    assert.equal(new Set(ports).size, 250);
    assert.ok(await isPortFree(ports[0] as number));
  });

  it('returns no port of another process, even when nothing listens on it', async () => {
    const module = JSON.stringify(new URL('free-port.ts', import.meta.url).href);
    const program = `
      const { freePort } = await import(${module});
      const ports = await Promise.all(Array.from({ length: 90 }, freePort));
      await new Promise((resolve) => process.stdout.write(JSON.stringify(ports), resolve));
      await new Promise((resolve) => process.stdin.on('end', resolve).resume());`;
    const children = Array.from({ length: 3 }, () => {
      const running = promisify(execFile)(process.execPath, [
        '--input-type=module',
        '--eval',
        program,
      ]);
      const said = new Promise<string>((resolve) => running.child.stdout?.once('data', resolve));
      return { running, said };
    });
    const ports = (await Promise.all(children.map(({ said }) => said))).flatMap((text) =>
      JSON.parse(text),
    );
    for (const { running } of children) running.child.stdin?.end();
    await Promise.all(children.map(({ running }) => running));
    assert.equal(new Set(ports).size, 270);
  });
});

describe('isPortFree', () => {
  it('is false for a port that something listens on', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await isPortFree((server.address() as AddressInfo).port), false);
    server.close();
  });
});
