import { describe, it } from 'node:test';
import { surviveFiftyHosts } from './support/fifty-hosts.ts';

describe('fifty hosts making random moves in one queue', () => {
  it('get the answers and events of the model', { timeout: 600_000 }, (test) =>
    surviveFiftyHosts(test, 5),
  );
});
