import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { inTransaction } from '../db/database.ts';
import { type Answer, assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { lockLine } from './line.ts';

describe('a line', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const times = <T>(count: number, work: (index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, index) => work(index)));
  const callNext = (queueId: string, as: string, key?: string) =>
    service.call('POST', `/v1/queues/${queueId}/call-next`, {
      as,
      ...(key === undefined ? {} : { key }),
    });
  const isOk = ({ status }: Answer) => status < 300;

  it('adds parties in order, with gap-free sequence numbers and every event in the outbox', async () => {
    const { owner, queueId } = await service.openLine();
    const answers = await times(40, (index) =>
      service.add(queueId, owner, { name: `Guest ${index}` }),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    const numbers = answers.map(({ body }) => body.number).sort((a, b) => a - b);
    assert.deepEqual(numbers, range(1, 40));
    assert.deepEqual(
      answers.map(({ body }) => body.position).sort((a, b) => a - b),
      numbers,
    );
    await service.assertSound(queueId);
    const outbox = (await service.eventsOf(queueId)).filter(({ relay_at }) => relay_at !== null);
    assert.deepEqual(
      outbox.map(({ seq }) => seq),
      range(1, 41),
    );
    const list = await service.listAll(queueId, owner);
    assert.deepEqual(
      list.map(({ number }) => number),
      numbers,
    );
  });

  it('calls each of 100 parties once, in order, for 200 concurrent requests', async () => {
    const { owner, queueId } = await service.openLine();
    await times(100, (index) => service.add(queueId, owner, { name: `Guest ${index}` }));
    const inOrder = (await service.listAll(queueId, owner)).map(({ id }) => id);
    const answers = await times(200, () => callNext(queueId, owner));
    const called = answers.filter(isOk).map(({ body }) => body as Party);
    const refused = answers.filter((answer) => !isOk(answer));
    for (const answer of refused) assertProblem(answer, 'nobody-waiting');
    assert.deepEqual([called.length, refused.length], [100, 100]);
    called.sort((a, b) => a.seq - b.seq);
    assert.deepEqual(
      called.map(({ id }) => id),
      inOrder,
    );
    assert.deepEqual(
      called.map(({ seq }) => seq),
      range(102, 201),
    );
    assert.ok(called.every(({ calls }) => calls === 1));
    await service.assertSound(queueId);
  });

  it('changes while another line changes', async () => {
    const [one, two] = await Promise.all([service.openLine(), service.openLine()]);
    await times(60, (index) => {
      const { owner, queueId } = index % 2 === 0 ? one : two;
      return index % 6 < 4 ? service.add(queueId, owner) : callNext(queueId, owner);
    });
    for (const { owner, queueId } of [one, two]) {
      await service.assertSound(queueId);
      const numbers = (await service.listAll(queueId, owner, '&state=waiting,called')).map(
        ({ number }) => number,
      );
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        range(1, 20),
      );
    }
  });

  it('does not wait for a change of another line', async () => {
    const [held, free] = await Promise.all([service.openLine(), service.openLine()]);
    await inTransaction(service.db, async (trx) => {
      await lockLine(service.deps, trx, uuidToBytes(held.queueId));
      const { status } = await service.add(free.queueId, free.owner);
      assert.equal(status, 201);
    });
  });

  it('adds no party after it was closed', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const close = service.call('POST', `/v1/queues/${queueId}/close`, {
      as: owner,
      body: { expireWaiting: true },
    });
    const joins = await times(20, () => service.join(joinCode));
    assert.equal((await close).status, 200);
    for (const answer of joins.filter((join) => !isOk(join))) assertProblem(answer, 'queue-closed');
    assert.deepEqual(await service.listAll(queueId, owner), []);
    const events = (await service.eventsOf(queueId)).map(({ type }) => type);
    const closing = events.lastIndexOf('queue.changed');
    assert.ok(!events.slice(closing).includes('party.joined'));
    await service.assertSound(queueId);
  });

  it('never exceeds its limit for concurrent joins', async () => {
    const { queueId, joinCode } = await service.openLine({ maxWaiting: 7 });
    const joins = await times(30, () => service.join(joinCode));
    assert.equal(joins.filter(isOk).length, 7);
    for (const answer of joins.filter((join) => !isOk(join))) assertProblem(answer, 'queue-full');
    assert.equal((await service.rowOf(queueId)).waiting, 7);
    await service.assertSound(queueId);
  });

  it('moves a party once for concurrent moves by hosts and the guest', async () => {
    const { owner, queueId } = await service.openLine();
    for (let round = 0; round < 5; round += 1) {
      const { body: party } = await service.add(queueId, owner);
      const answers = await Promise.all(
        ['seat', 'leave', 'remove', 'seat', 'leave', 'remove'].map((move) =>
          service.move(party, move, owner),
        ),
      );
      assert.equal(answers.filter(isOk).length, 1);
      for (const answer of answers.filter((one) => !isOk(one))) {
        assertProblem(answer, 'invalid-transition');
      }
    }
    await service.assertSound(queueId);
  });

  it('rolls back a change that fails in the middle', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner, { name: 'Before' });
    const before = await service.call('GET', `/v1/queues/${queueId}`, { as: owner });
    const seen = service.positionApp.events.length;
    const breaking = inTransaction(service.db, async (trx) => {
      const line = await lockLine(service.deps, trx, uuidToBytes(queueId));
      const row = await line.party(uuidToBytes(party.id));
      await line.move(row, 'call', { kind: 'system' });
      await line.trx
        .insertInto('personal')
        .values({
          queue_id: line.queue.id,
          party_id: uuidToBytes(randomUUID()),
          name: 'Nobody',
          name_key: 'nobody',
          email: null,
          email_key: null,
          phone: null,
          notes: null,
          locale: null,
        })
        .execute();
      line.queueChanged({ kind: 'system' });
      await line.write();
      throw new Error('broken');
    });
    await assert.rejects(breaking, /broken/);
    assert.deepEqual(
      (await service.call('GET', `/v1/queues/${queueId}`, { as: owner })).body,
      before.body,
    );
    assert.deepEqual(
      (await service.call('GET', `/v1/parties/${party.id}`, { as: owner })).body,
      party,
    );
    assert.equal(service.positionApp.events.length, seen);
    await service.assertSound(queueId);
    assert.equal((await service.add(queueId, owner)).body.seq, party.seq + 1);
    await service.assertSound(queueId);
  });

  it('keeps its invariants under concurrent moves of every kind, without internal errors', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const hosts = await times(5, () => service.member(venueId, 'manager'));
    const known: Party[] = [];
    // The same sequence in every run; what runs at the same time still differs.
    let state = 20_261_120;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const someone = () => known[random(known.length)] as Party;
    const one = async (): Promise<Answer> => {
      const as = hosts[random(hosts.length)] as string;
      const dice = known.length === 0 ? 0 : random(100);
      const key = random(2) === 0 ? randomUUID() : undefined;
      if (dice < 25) {
        const answer = await service.add(queueId, as, { size: 1 + random(6) }, key);
        if (isOk(answer)) known.push(answer.body);
        return answer;
      }
      if (dice < 35) return service.join(joinCode, { email: `g${random(9)}@example.com` }, key);
      if (dice < 50) return callNext(queueId, as, key);
      if (dice < 60) return service.move(someone(), 'call', as, key);
      if (dice < 70) return service.move(someone(), 'seat', as, key);
      if (dice < 75) return service.move(someone(), 'no-show', as, key);
      if (dice < 80) return service.move(someone(), 'remove', as, key);
      if (dice < 87) return service.move(someone(), 'leave', as, key);
      if (dice < 95) {
        return service.call('PATCH', `/v1/parties/${someone().id}`, {
          as,
          body: { size: 1 + random(6), notes: `note ${random(100)}` },
        });
      }
      if (dice < 97) {
        const body = { expireWaiting: dice === 96 };
        return service.call('POST', `/v1/queues/${queueId}/close`, { as, body });
      }
      return service.call('POST', `/v1/queues/${queueId}/open`, { as });
    };

    let left = 600;
    const statuses = new Map<number, number>();
    await times(50, async () => {
      while (left > 0) {
        left -= 1;
        const { status, body } = await one();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        assert.ok([200, 201, 409].includes(status), `${status} ${JSON.stringify(body)}`);
      }
    });
    assert.ok((statuses.get(200) ?? 0) > 50 && (statuses.get(201) ?? 0) > 20);
    await service.assertSound(queueId);
    const told = service.positionApp.events.filter(({ data }) => data.queueId === queueId);
    assert.equal(
      new Set(told.map(({ id }) => id)).size,
      (await service.rowOf(queueId)).seq,
      'every event went to the position service as well',
    );
    assert.equal((await service.call('GET', `/v1/queues/${queueId}`, { as: owner })).status, 200);
  });
});
