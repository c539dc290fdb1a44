import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptIn } from '@queue-manager/ui/kept';
import { heldTickets } from './held-tickets.ts';
import { memoryStorage } from './testing.ts';

const held = (ticket: string, queueId = 'q') => ({
  ticket,
  queueId,
  joinCode: 'CODE',
  number: 7,
  venueName: 'Casa',
  queueName: 'Tables',
});

describe('heldTickets', () => {
  it('finds the tickets of a queue, the last first, once each', () => {
    const tickets = heldTickets(keptIn(memoryStorage()), () => 5);
    for (const ticket of ['a', 'b', 'a']) tickets.add(held(ticket));
    tickets.add(held('c', 'other'));
    assert.deepEqual(
      tickets.of('q').map(({ ticket }) => ticket),
      ['a', 'b'],
    );
    tickets.remove('a');
    assert.equal(tickets.find('a'), undefined);
  });

  it('forgets them after a day', () => {
    let now = 0;
    const tickets = heldTickets(keptIn(memoryStorage()), () => now);
    tickets.add(held('a'));
    now = 25 * 3_600_000;
    assert.deepEqual(tickets.all(), []);
  });

  it('holds nothing where storage is forbidden or damaged', () => {
    const forbidden = heldTickets(
      keptIn(() => {
        throw new Error('SecurityError');
      }),
    );
    forbidden.add(held('a'));
    assert.deepEqual(forbidden.all(), []);
    const storage = memoryStorage();
    storage().setItem('tickets', '{');
    assert.deepEqual(heldTickets(keptIn(storage)).all(), []);
  });
});
