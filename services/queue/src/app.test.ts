import assert from 'node:assert/strict';
import { it } from 'node:test';
import { publicContracts } from '@queue-manager/contracts/registry';
import { newId } from '@queue-manager/service-kit/ids';
import { createQueueApp } from './app.ts';
import { openDatabase } from './db/database.ts';
import { createQuotes } from './line/quotes.ts';
import { assertProblem, startQueueService } from './testing.ts';

it('has every public route of the queue service’s contracts', async () => {
  const service = await startQueueService();
  try {
    for (const { service: owner, method, url } of publicContracts) {
      if (owner !== 'queue') continue;
      assert.ok(service.app.hasRoute({ method, url }), `${method} ${url}`);
    }
  } finally {
    await service.stop();
  }
});

it('returns 503 on every kind of route while MySQL is unavailable', async () => {
  const service = await startQueueService();
  const { owner, queueId, joinCode } = await service.openLine();
  const { body: party } = await service.add(queueId, owner);
  const db = openDatabase({ url: 'mysql://root:hush@127.0.0.1:1/queue', poolSize: 2 });
  const quotes = createQuotes(db, service.deps.logger);
  const app = createQueueApp({ ...service.deps, db, quotes }, {});
  try {
    const authorization = (await service.headersOf(owner)).authorization;
    for (const [method, url, payload] of [
      ['GET', '/v1/venues', undefined],
      ['POST', '/v1/venues', { name: 'Casa', timezone: 'Europe/Lisbon' }],
      ['GET', `/v1/queues/${queueId}/parties`, undefined],
      ['POST', `/v1/queues/${queueId}/call-next`, undefined],
      ['GET', `/v1/join/${joinCode}`, undefined],
      ['POST', `/v1/join/${joinCode}`, { name: 'Rui' }],
      ['GET', `/v1/tickets/${party.ticket}`, undefined],
    ] as const) {
      const answer = await app.inject({
        method,
        url,
        headers: { authorization, 'idempotency-key': newId(service.clock) },
        ...(payload === undefined ? {} : { payload }),
      });
      const { headers, rawPayload: raw } = answer;
      assertProblem(
        { status: answer.statusCode, body: answer.json(), headers, raw },
        'unavailable',
      );
      assert.ok(Number(headers['retry-after']) >= 1);
      assert.doesNotMatch(answer.body, /hush|ECONN|127\.0/);
    }
  } finally {
    await app.close();
    await db.destroy();
    await service.stop();
  }
});
