import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkDeadLetters } from './check-dead-letters.ts';

const letter = (error?: string) => ({
  messageId: '1',
  type: 'task.due',
  since: new Date(),
  receives: 3,
  failure: error === undefined ? undefined : { error, failedAt: '2026-01-01T00:00:00.000Z' },
  body: '',
});
const found = (
  queue: 'tasks' | 'mails',
  letters: ReturnType<typeof letter>[],
  interruptions: Record<string, number> = {},
) =>
  checkDeadLetters(new Map([[queue, letters]]), new Map(Object.entries(interruptions))).map(
    ({ what }) => what,
  );

it('reports dead letters, unless their consumer or the inbox was interrupted often enough', () => {
  const interruptions = { queue: 3, mail: 3, mailer: 2, sqs: 2 };
  assert.deepEqual(found('tasks', [letter()]), [
    'a dead letter in tasks: task.due: no consumer finished it',
  ]);
  assert.deepEqual(found('tasks', [letter(), letter('Broken')], interruptions), [
    'a dead letter in tasks: task.due: Broken',
  ]);
  assert.deepEqual(found('mails', [letter('421 Later')], interruptions), []);
  assert.equal(found('mails', [letter()], interruptions).length, 1);
  assert.equal(found('mails', [letter('421 Later')], { mail: 2 }).length, 1);
});
