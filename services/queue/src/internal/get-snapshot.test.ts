import assert from 'node:assert/strict';
import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import { SnapshotHead } from '@queue-manager/contracts/internal';
import { lanes } from '@queue-manager/contracts/parties';
import { inLine } from '@queue-manager/contracts/party-moves';
import { newId } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('get snapshot', () => {
  let service: QueueService;
  let port: number;
  const poolSize = 6;

  before(async () => {
    service = await startQueueService({ poolSize });
    const url = await service.app.listen({ host: '127.0.0.1', port: 0 });
    port = Number(new URL(url).port);
  });
  after(() => service.stop());

  const headers = { [credentialHeader]: testCredential };
  const pathOf = (queueId: string) => `/internal/queues/${queueId}/snapshot`;

  function ask(queueId: string): { request: ClientRequest; answer: Promise<IncomingMessage> } {
    // Not a pooled connection, since tests destroy it.
    const request = httpGet({
      host: '127.0.0.1',
      port,
      path: pathOf(queueId),
      headers,
      agent: false,
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.on('response', resolve).on('error', reject);
    return { request, answer: promise };
  }

  /** Reads a snapshot to its end; `meanwhile` runs after the first line. */
  async function read(queueId: string, meanwhile: () => Promise<unknown> = async () => {}) {
    const answer = await ask(queueId).answer;
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers['content-type']), /^application\/x-ndjson/);
    let head: SnapshotHead | undefined;
    const parties: PartySnapshot[] = [];
    for await (const line of createInterface({ input: answer })) {
      if (head !== undefined) parties.push(JSON.parse(line));
      else {
        head = SnapshotHead.parse(JSON.parse(line));
        await meanwhile();
      }
    }
    assert.ok(head !== undefined);
    return { head, parties };
  }

  /** The queue’s parties according to its events up to `seq`. */
  async function lineAt(queueId: string, seq: number): Promise<PartySnapshot[]> {
    const parties = new Map<string, PartySnapshot>();
    for (const event of await service.eventsOf(queueId)) {
      if (event.seq > seq || event.party_id === null) continue;
      const { party } = JSON.parse(event.data) as { party: PartySnapshot };
      parties.set(party.partyId, party);
    }
    const place = ({ lane, orderKey, partyId }: PartySnapshot) =>
      `${lanes.indexOf(lane)} ${orderKey} ${partyId}`;
    return inLine.flatMap((state) =>
      [...parties.values()]
        .filter((party) => party.state === state)
        .sort((a, b) => (place(a) < place(b) ? -1 : 1)),
    );
  }

  it('returns the waiting and called parties in order, with the queue', async () => {
    const { owner, venueId, queueId } = await service.openLine({ boardLabels: 'name' });
    for (const lane of ['regular', 'priority', 'regular']) {
      await service.add(queueId, owner, { lane });
    }
    const { body: gone } = await service.add(queueId, owner);
    await service.move(gone, 'seat', owner);
    await service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
    const { head, parties } = await read(queueId);
    assert.deepEqual(head, {
      venueId,
      queueId,
      queue: { seq: 7, name: 'Tables', state: 'open', boardLabels: 'name', deleted: false },
      parties: 3,
    });
    assert.deepEqual(parties, await lineAt(queueId, 7));
    assert.deepEqual(
      parties.map(({ number, state }) => [number, state]),
      [
        [1, 'waiting'],
        [3, 'waiting'],
        [2, 'called'],
      ],
    );
  });

  it('shows one moment while the queue changes', async () => {
    const { owner, queueId } = await service.openLine();
    await service.fill(
      queueId,
      Array.from({ length: 3_000 }, (_, index) => ({
        name: `Guest ${index}`,
        state: index % 10 === 0 ? ('called' as const) : ('waiting' as const),
        lane: index % 7 === 0 ? ('priority' as const) : ('regular' as const),
      })),
    );
    const change = async () => {
      const { body } = await service.add(queueId, owner, { lane: 'priority' });
      await service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
      await service.move(body, 'seat', owner);
    };
    let isOver = false;
    const changes = Promise.all(
      Array.from({ length: 2 }, async () => {
        while (!isOver) await change();
      }),
    );
    const seen = new Set<number>();
    try {
      for (let round = 0; round < 8; round += 1) {
        const { head, parties } = await read(queueId, change);
        assert.equal(parties.length, head.parties);
        assert.deepEqual(parties, await lineAt(queueId, head.queue.seq));
        seen.add(head.queue.seq);
      }
    } finally {
      isOver = true;
      await changes;
    }
    assert.equal(seen.size, 8, 'the queue changed between any two reads');
    await service.assertSound(queueId);
  });

  it('releases its database connection when the client disconnects', {
    timeout: 60_000,
  }, async () => {
    const { owner, queueId } = await service.openLine();
    await service.fill(
      queueId,
      Array.from({ length: 5_000 }, (_, index) => ({ name: `Guest ${index}`, state: 'waiting' })),
    );
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        Array.from({ length: poolSize }, async () => {
          const { request, answer } = ask(queueId);
          if (round === 0) {
            // Before the response.
            answer.catch(() => undefined);
            request.on('socket', (socket) => socket.on('connect', () => request.destroy()));
            await new Promise((resolve) => request.on('close', resolve));
          } else {
            // During the response, partly read or unread.
            const response = await answer;
            if (round === 2) await new Promise((resolve) => response.once('data', resolve));
            response.destroy();
          }
        }),
      );
    }
    // Uses every connection of the pool at once: a leaked one would make this wait for ever.
    const reads = await Promise.all(Array.from({ length: poolSize }, () => read(queueId)));
    for (const { parties } of reads) assert.equal(parties.length, 5_000);
    assert.equal((await service.add(queueId, owner)).status, 201);
  });

  it('is empty for an empty or deleted queue and 404 for an unknown one', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    assert.deepEqual((await read(queueId)).parties, []);
    await service.add(queueId, owner);
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    await service.clearDeleted(venueId);
    const { head, parties } = await read(queueId);
    assert.deepEqual([head.queue.deleted, head.queue.state], [true, 'closed']);
    assert.deepEqual([head.parties, parties], [0, []]);
    for (const id of [newId(service.clock), 'x']) {
      assertProblem(await service.call('GET', pathOf(id), { headers }), 'not-found');
    }
    assertProblem(await service.call('GET', pathOf(queueId), { as: owner }), 'unauthenticated');
  });
});
