import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptIn } from '@queue-manager/ui/kept';
import { memoryStorage } from '../../page/testing.ts';
import { seenTickets } from './seen-tickets.ts';
import type { TicketValue } from './ticket-state.ts';

const value = { position: null, isLineDeleted: false } as TicketValue;

describe('seenTickets', () => {
  it('keeps the last look at a few tickets', () => {
    const seen = seenTickets(keptIn(memoryStorage()), () => 10);
    for (const [asOf, ticket] of ['a', 'b', 'c', 'd', 'e', 'f', 'f'].entries()) {
      seen.set({ ticket, value, asOf });
    }
    assert.equal(seen.get('a'), undefined);
    assert.equal(seen.get('b')?.asOf, 1);
    assert.equal(seen.get('f')?.asOf, 6);
    seen.remove('f');
    assert.equal(seen.get('f'), undefined);
  });

  it('forgets them after a day', () => {
    let now = 0;
    const seen = seenTickets(keptIn(memoryStorage()), () => now);
    seen.set({ ticket: 'a', value, asOf: 0 });
    now = 25 * 3_600_000;
    assert.equal(seen.get('a'), undefined);
  });
});
