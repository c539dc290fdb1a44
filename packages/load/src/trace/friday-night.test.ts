import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fridayNight } from './friday-night.ts';
import { orderEvents } from './trace.ts';

describe('fridayNight', () => {
  it('is the same night each time, on a Friday', () => {
    const night = fridayNight();
    assert.deepEqual(fridayNight(), night);
    assert.equal(new Date(night.day).getUTCDay(), 5);
  });

  it('is plausible: a line forms, most parties are served, some at once, some leave', () => {
    const { arrivals } = fridayNight();
    const abandoned = arrivals.filter(({ outcome }) => outcome === 'abandoned');
    assert.ok(arrivals.length > 150 && arrivals.length < 300);
    assert.ok(abandoned.length > 10 && abandoned.length < arrivals.length / 3);
    assert.ok(arrivals.some(({ waitSeconds }) => waitSeconds === 0));
    const events = orderEvents(arrivals);
    const longest = Math.max(
      ...events.map((event) => (event.kind === 'join' ? event.waitingBefore : 0)),
    );
    assert.ok(longest > 10 && longest < 60);
    assert.ok(events.every(({ atSeconds }) => atSeconds >= 64_800 && atSeconds < 97_200));
  });
});
