import { describe, it } from 'node:test';
import { surviveFiftyHosts } from './support/fifty-hosts.ts';

describe('fifty hosts who press at random on one line', () => {
  it('get what the model gives, event by event', { timeout: 600_000 }, (test) =>
    surviveFiftyHosts(test, 5),
  );
});
