/** Where services read the time from, so that a night can be replayed and a timer tested. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

const testHourUtc = 20;

/**
 * A clock for tests that stands still until it is told otherwise.
 *
 * It starts at the next 20:00 UTC: stores and libraries that expire things by their own clock (DynamoDB's time to
 * live) never find that a test's time has passed, and a test sees the same time of day whenever it runs. A test that
 * needs a certain date sets it.
 */
export class ManualClock implements Clock {
  #now: number;

  constructor() {
    const start = new Date();
    start.setUTCHours(testHourUtc, 0, 0, 0);
    if (start.getTime() < Date.now()) start.setUTCDate(start.getUTCDate() + 1);
    this.#now = start.getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  set(time: Date | string): void {
    this.#now = new Date(time).getTime();
  }

  advance(seconds: number): void {
    this.#now += seconds * 1_000;
  }
}
