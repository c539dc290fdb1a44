import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createServerClock } from './server-clock.ts';

describe('createServerClock', () => {
  const hour = 3_600_000;

  it('follows the server, and of late news the earliest', () => {
    let device = hour;
    const clock = createServerClock(() => device);
    clock.note(900);
    device += 1_000;
    clock.note(2_000);
    assert.equal(clock.now(), 2_000);
    // Took 700 ms to arrive.
    device += 1_000;
    clock.note(2_300);
    assert.equal(clock.now(), 3_000);
  });

  it('notices when the clock of the device was set', () => {
    let device = 0;
    const clock = createServerClock(() => device);
    clock.note(1_000);
    device = hour;
    clock.note(2_000);
    assert.equal(clock.now(), 2_000);
    device = 10_000;
    clock.note(3_000);
    assert.equal(clock.now(), 3_000);
  });

  it('ignores what is no time', () => {
    const clock = createServerClock(() => 5);
    clock.note(Number.NaN);
    assert.equal(clock.now(), 5);
  });
});
