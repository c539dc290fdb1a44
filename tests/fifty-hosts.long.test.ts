import { describe, it } from 'node:test';
import { surviveFiftyHosts } from './support/fifty-hosts.ts';

describe('fifty hosts who press at random on one line for a minute', () => {
  it('get what the model gives, event by event', { timeout: 900_000 }, (test) =>
    surviveFiftyHosts(test, 60),
  );
});
