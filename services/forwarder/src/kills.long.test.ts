import { it } from 'node:test';
import { forwardThroughKills } from './kills-testing.ts';

it('forwards 500 accounts in order through kills and failures of the external API', (test) =>
  forwardThroughKills(test, { count: 500, rounds: 2 }));
