import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { fridayNight } from '@queue-manager/load/trace/friday-night';
import { makeDemo, planDemo } from '@queue-manager/local-stack/system/demo';
import { uniqueName, until } from '@queue-manager/service-kit/testing';
import { gatewayUrl, mailUrl } from './support/system.ts';

const script = fileURLToPath(new URL('../packages/load/src/replay/replay-cli.ts', import.meta.url));

type Outcome = { code: number | null; stdout: string; stderr: string };

/** Runs the replay command against a gateway at this address. */
async function replay(args: string[], gateway = gatewayUrl): Promise<Outcome> {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], {
    env: {
      ...process.env,
      GATEWAY_PORT: new URL(gateway).port,
      MAIL_PORT: new URL(mailUrl).port,
      DATA_DIR: tmpdir(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    outcome.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    outcome.stderr += text;
  });
  [outcome.code] = (await once(child, 'close')) as [number | null];
  return outcome;
}

const header = 'day,arrival_s,wait_s,outcome,priority,service_s';
/** Overtaking, leaving, waits of 0, several events in a second and an exit after midnight. */
const night = [
  header,
  '2026-01-02,64800,40,served,1,60',
  '2026-01-02,64800,0,served,1,60',
  '2026-01-02,64801,0,abandoned,1,0',
  '2026-01-02,64810,10,abandoned,1,0',
  '2026-01-02,64820,0,served,1,60',
  '2026-01-02,64820,5,served,2,60',
  '2026-01-02,64820,20,served,1,60',
  '2026-01-02,64825,100,abandoned,1,0',
  '2026-01-02,86399,60,served,1,60',
  '2026-01-03,10,5,served,1,60',
  '',
].join('\n');

describe('npm run replay', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'queue-manager-replay-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('plays the busiest day and prints one JSON object', async () => {
    const { code, stdout, stderr } = await replay([
      write('night.csv.gz', gzipSync(night)),
      '--json',
    ]);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    const { joined, called, left, stillWaiting, orderViolations, positionMismatches, lost } =
      result;
    assert.deepEqual(
      { joined, called, left, stillWaiting, orderViolations, positionMismatches, lost },
      {
        joined: 9,
        called: 6,
        left: 3,
        stillWaiting: 0,
        orderViolations: 0,
        positionMismatches: 0,
        lost: 0,
      },
    );
    for (const kind of ['join', 'position', 'call', 'leave']) {
      const { p50, p99 } = result.latencyMs[kind];
      assert.ok(p50 > 0 && p50 <= p99, kind);
    }
    assert.match(stderr, /100 %/);
  });

  it('plays the requested day at the requested speed', async () => {
    const path = write('night.csv', night);
    const { code, stdout } = await replay([path, '--day', '2026-01-03', '--speed', '10', '--json']);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).joined, 1);
  });

  it('plays a synthetic Friday night without a file, and prints a summary', async () => {
    const { code, stdout, stderr } = await replay([]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`joined +${fridayNight().arrivals.length}\n`));
    assert.match(stdout, /lost +0\n/);
    assert.match(stdout, /No party was lost, called twice or overtaken/);
  });

  it('plays a living night in the demo venue until it is stopped', async () => {
    planDemo(folder, `${uniqueName('owner')}@demo.queue-manager.dev`);
    await makeDemo(folder, gatewayUrl, mailUrl);
    const child = spawn(process.execPath, [script, '--slow', '--speed', '100'], {
      env: { ...process.env, GATEWAY_PORT: new URL(gatewayUrl).port, DATA_DIR: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    for (const event of ['joins', 'is called', 'is seated', 'goes home']) {
      await until(`somebody ${event}`, () => {
        assert.equal(child.exitCode, null, said);
        return new RegExp(`${event}`).test(said);
      });
    }
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('prints one line when it cannot start', async () => {
    const cases: [string[], string | undefined, RegExp][] = [
      [[join(folder, 'none.csv')], undefined, /none\.csv: there is no such file/],
      [
        [write('bad.csv', `${header}\n2026-01-02,x,0,served,1,60\n`)],
        undefined,
        /line 2: arrival_s/,
      ],
      [[write('some.csv', night), '--day', '2020-01-01'], undefined, /no day 2020-01-01/],
      [['--speed', 'fast'], undefined, /--speed/],
      [['--slow', write('some.csv', night)], undefined, /--slow takes no FILE/],
      [['--slow'], undefined, /no demo venue on the data folder/],
      [['--no-such-option'], undefined, /no-such-option/],
      [[], await unusedAddress(), /no system answers/],
    ];
    for (const [args, gateway, expected] of cases) {
      const { code, stdout, stderr } = await replay(args, gateway);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, expected);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    }
  });

  it('prints its help', async () => {
    const { code, stdout } = await replay(['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /Usage: npm run replay/);
  });

  describe('behind a faulty proxy', () => {
    it('loses and duplicates nothing when answers are lost', async () => {
      let joins = 0;
      const { code, stdout } = await through(
        (path) => /\/(parties|call|leave)$/.test(path) && ++joins % 3 === 0,
        (answer) => answer,
        [write('cut.csv', night), '--json'],
      );
      const result = JSON.parse(stdout);
      assert.equal(code, 0);
      assert.equal(result.joined, 9);
      assert.equal(result.lost + result.doubled + result.calledTwice, 0);
      assert.ok(result.retried.unanswered >= 3);
    });

    it('renews its access token before it expires', async () => {
      let renewals = 0;
      const { code, stdout } = await through(
        () => false,
        (answer, path) => {
          if (path === '/v1/auth/refresh') renewals++;
          // A token that expires within a minute is renewed at once.
          return path.startsWith('/v1/auth/') ? { ...(answer as object), expiresIn: 60 } : answer;
        },
        [write('long.csv', night), '--json'],
      );
      assert.equal(code, 0);
      assert.equal(JSON.parse(stdout).joined, 9);
      assert.ok(renewals >= 15);
    });

    it('detects a wrong position', async () => {
      let reads = 0;
      const { code, stdout } = await through(
        () => false,
        (answer, path) => {
          if (!path.startsWith('/v1/positions/') || ++reads !== 4) return answer;
          const told = answer as { position: number };
          return { ...told, position: told.position + 1 };
        },
        [write('wrong.csv', night), '--json'],
      );
      assert.equal(code, 1);
      assert.equal(JSON.parse(stdout).positionMismatches, 1);
    });

    it('retries a position that is not known yet', async () => {
      let reads = 0;
      const { code, stdout } = await through(
        () => false,
        (answer, path) =>
          path.startsWith('/v1/positions/') && ++reads % 2 === 1
            ? { ...(answer as object), position: null, ahead: null, estimate: null }
            : answer,
        [write('null.csv', night), '--json'],
      );
      assert.equal(code, 0);
      const { positionMismatches, retried } = JSON.parse(stdout);
      assert.equal(positionMismatches, 0);
      assert.equal(retried.unknownPosition, 9);
    });

    it('detects a list that is not in the order of joining', async () => {
      // Long enough for a check of the list in between.
      const rows = Array.from(
        { length: 150 },
        (_, index) => `2026-01-02,${index},${index < 50 ? 200 : 300},served,1,60`,
      );
      const { code, stdout } = await through(
        () => false,
        (answer, path) =>
          path.includes('state=waiting&')
            ? { ...(answer as object), data: (answer as { data: unknown[] }).data.toReversed() }
            : answer,
        [write('order.csv', [header, ...rows, ''].join('\n')), '--json'],
      );
      assert.equal(code, 1);
      const { orderViolations, lost } = JSON.parse(stdout);
      assert.equal(orderViolations, 1);
      assert.equal(lost, 0);
    });

    it('detects a party that is missing, called twice or duplicated', async () => {
      const waiting = ['0', '1', '2'].map((wait) => `2026-01-02,64800,${wait},served,1,60`);
      const path = write('few.csv', [header, ...waiting, ''].join('\n'));
      const spoil = (change: (parties: { calls: number }[]) => unknown[]) =>
        through(
          () => false,
          (answer, asked) =>
            asked.includes('/parties?')
              ? { ...(answer as object), data: change((answer as { data: never[] }).data) }
              : answer,
          [path, '--json'],
        );
      const lost = await spoil((parties) => parties.slice(1));
      assert.equal(lost.code, 1);
      assert.equal(JSON.parse(lost.stdout).lost, 1);

      const calledTwice = await spoil((parties) =>
        parties.map((party, index) => (index === 0 ? { ...party, calls: 2 } : party)),
      );
      assert.equal(calledTwice.code, 1);
      assert.equal(JSON.parse(calledTwice.stdout).calledTwice, 1);

      const unknown = await spoil((parties) => [
        ...parties,
        ...parties.slice(0, 1).map((party) => ({ ...party, id: crypto.randomUUID() })),
      ]);
      assert.equal(unknown.code, 1);
      assert.equal(JSON.parse(unknown.stdout).doubled, 1);
    });
  });
});

async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/**
 * Runs the replay through a proxy that closes the connection after the system has handled a request, when `isCut` is
 * true, and otherwise may change answers.
 */
async function through(
  isCut: (path: string) => boolean,
  change: (answer: unknown, path: string) => unknown,
  args: string[],
): Promise<Outcome> {
  const proxy: Server = createServer((asked, response) => {
    void pass(asked, response, isCut, change);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  try {
    return await replay(args, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
}

async function pass(
  asked: IncomingMessage,
  response: ServerResponse,
  isCut: (path: string) => boolean,
  change: (answer: unknown, path: string) => unknown,
): Promise<void> {
  const path = asked.url ?? '/';
  const onward = request(new URL(path, gatewayUrl), {
    method: asked.method ?? 'GET',
    // The proxy reads and changes what passes.
    headers: { ...asked.headers, 'accept-encoding': 'identity' },
  });
  asked.pipe(onward);
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await answer.toArray()).toString();
  if (isCut(path)) return void asked.socket.destroy();
  const isJson = answer.headers['content-type']?.startsWith('application/json');
  const { 'content-length': _, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, headers);
  response.end(isJson ? JSON.stringify(change(JSON.parse(text), path)) : text);
}
