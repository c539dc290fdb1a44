import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient } from '@queue-manager/client/client';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { mailsTo } from '@queue-manager/local-stack/inbox';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { freshDatabase, testEnv, uniqueName, until } from '@queue-manager/service-kit/testing';
import { openAccount, randomEmail } from './support/accounts.ts';
import { startOtlpReceiver, traceAsText } from './support/otlp-receiver.ts';
import { dropTables } from './support/stores.ts';

/*
 * Uses its own system on the shared stores, with its own prefixes, since it exports traces.
 */
describe('traces', () => {
  const mailUrl = testEnv('MAIL_URL');
  const prefix = `${uniqueName('traces')}-`;
  const logs: string[] = [];
  let dataDir: string;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
  let system: System;
  let queue: Queue;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-traces-'));
    [database, receiver] = await Promise.all([freshDatabase(), startOtlpReceiver()]);
    system = await startSystem({
      dataDir,
      env: {
        ...process.env,
        MYSQL_URL: database.url,
        SMTP_URL: testEnv('SMTP_URL'),
        SQS_PREFIX: prefix,
        DYNAMODB_PREFIX: prefix,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        TRACE_RATIO: '1',
        LOG_LEVEL: 'debug',
      },
      output: (service, line) => logs.push(`${service} ${line}`),
    });
    const { succeed }: Client = createClient(system.gatewayUrl);
    const { token } = await openAccount({}, { succeed, mailUrl });
    const body = { name: 'Traced', timezone: 'UTC' };
    const { id: venueId } = await succeed(createVenue, { token, body });
    queue = await succeed(createQueue, { token, params: { venueId }, body: { name: 'Tables' } });
  });

  after(async () => {
    await system?.stop();
    await receiver?.close();
    await database?.drop();
    await dropTables(prefix);
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  it('follow a join from the gateway through queue, outbox and task to the mailer', async (test) => {
    const traceId = randomBytes(16).toString('hex');
    const email = randomEmail();
    const name = uniqueName('Ana');
    const answer = await fetch(`${system.gatewayUrl}/v1/join/${queue.joinCode}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        traceparent: `00-${traceId}-00f067aa0ba902b7-00`,
      },
      body: JSON.stringify({ name, email }),
    });
    assert.equal(answer.status, 201);
    const { ticket } = (await answer.json()) as { ticket: string };
    await until('the mail came', async () => (await mailsTo(mailUrl, email))[0]);

    const chains = [
      ['queue', 'process task.finished'],
      ['mailer', 'send task.finished'],
      ['mailer', 'process mail.requested'],
      ['queue', 'send mail.requested'],
      ['queue', 'task notify.joined'],
      ['queue', 'mysql transaction'],
      ['queue', 'POST /v1/join/:joinCode'],
      ['gateway', 'POST /v1/join/:joinCode'],
    ];
    const feed = [
      ['position', 'POST /internal/events'],
      ['queue', 'outbox party.joined'],
      ['queue', 'POST /v1/join/:joinCode'],
      ['gateway', 'POST /v1/join/:joinCode'],
    ];
    const spanOf = ([service, named]: string[]) =>
      receiver.trace(traceId).find((span) => span.service === service && span.name === named);
    await until('the whole trace was exported', () =>
      [...chains, ...feed, ['mailer', 'smtp party-joined']].every(spanOf),
    );
    const spans = receiver.trace(traceId);
    test.diagnostic(`trace ${traceId}\n${traceAsText(spans)}`);
    for (const chain of [chains, feed]) {
      chain.slice(0, -1).forEach((link, index) => {
        const parent = spanOf(chain[index + 1] as string[]);
        assert.equal(spanOf(link)?.parentSpanId, parent?.spanId, `parent of ${link}`);
      });
    }
    const root = spanOf(['gateway', 'POST /v1/join/:joinCode']);
    assert.equal(root?.parentSpanId, '00f067aa0ba902b7');
    assert.equal(Number(root?.attributes['http.response.status_code']), 201);

    const sent = receiver.bodies.join('\n');
    for (const secret of [name, email, ticket]) assert.ok(!sent.includes(secret), secret);
    for (const service of ['gateway', 'queue', 'position', 'mailer']) {
      const ofTrace = logs.filter(
        (line) => line.startsWith(`${service} `) && line.includes(`"traceId":"${traceId}"`),
      );
      assert.ok(ofTrace.length > 0, `no log line of ${service} names the trace`);
      for (const line of ofTrace) assert.equal(line.match(/"traceId"/g)?.length, 1, line);
    }
  });

  it('are not made of event streams, and leave no ticket in a name', async () => {
    const traceId = randomBytes(16).toString('hex');
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const board = await fetch(`${system.gatewayUrl}/v1/live/boards/${queue.id}`, { headers });
    await board.body?.cancel();
    const unknown = 'no-such-ticket-0123456789';
    await fetch(`${system.gatewayUrl}/v1/positions/${unknown}`, { headers });
    const spans = await until('the read was exported', () => {
      const found = receiver.trace(traceId);
      return found.some(({ service }) => service === 'position') ? found : null;
    });
    assert.deepEqual(
      new Set(spans.map(({ name }) => name)),
      new Set(['GET /v1/positions/:ticket']),
    );
    assert.ok(!receiver.bodies.join('\n').includes(unknown));
  });
});
