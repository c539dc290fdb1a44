/** Source of the current time, so that replays and tests control it. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

const testHourUtc = 20;

/**
 * A clock for tests that stands still until it is set or advanced.
 *
 * It starts at the next 20:00 UTC. The time of day is the same on every run, and stores that expire items by their
 * own clock (DynamoDB's time to live) never expire those of a test. A test that needs a certain date sets it.
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
