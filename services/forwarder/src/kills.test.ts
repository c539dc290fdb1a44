import { it } from 'node:test';
import { forwardThroughKills } from './kills-testing.ts';

it('forwards 100 accounts in order through kills and failures of the external API', (test) =>
  forwardThroughKills(test, { count: 100, rounds: 1 }));
