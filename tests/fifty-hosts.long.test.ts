import { describe, it } from 'node:test';
import { surviveFiftyHosts } from './support/fifty-hosts.ts';

describe('fifty hosts making random moves in one queue for a minute', () => {
  it('get the answers and events of the model', { timeout: 900_000 }, (test) =>
    surviveFiftyHosts(test, 60),
  );
});
