import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { testQueues } from '@queue-manager/events/testing';
import { queueNames } from '@queue-manager/events/topology';
import { repositoryRoot } from '../repository.ts';

const here = join(repositoryRoot, 'packages/local-stack/src/commands');
const eventId = '01990000-0000-7000-8000-000000000001';
const subject = '01990000-0000-7000-8000-000000000002';

/** Runs the command as npm run does, in the end. */
async function deadLetters(args: string[], env: Record<string, string> = {}) {
  const child = spawn(
    process.execPath,
    [
      join(here, 'with-stores.ts'),
      'AWS_ENDPOINT_URL_SQS',
      'packages/local-stack/src/commands/dead-letters.ts',
      ...args,
    ],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { stdout, stderr, code: code as number };
}

async function setUp(test: TestContext) {
  const broker = await testQueues();
  test.after(() => broker.drop());
  const mail = JSON.stringify({
    id: eventId,
    type: 'mail.requested',
    subject,
    time: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    data: { to: 'ana@example.com' },
  });
  const id = await broker.sendDead('mails', mail, {
    type: { DataType: 'String', StringValue: 'mail.requested' },
    error: { DataType: 'String', StringValue: '550 no such \u001b[31mmailbox' },
    failedAt: { DataType: 'String', StringValue: '2026-03-07T20:00:00.000Z' },
    receives: { DataType: 'Number', StringValue: '1' },
  });
  return {
    broker,
    id,
    mail,
    run: (...args: string[]) => deadLetters(args, { SQS_PREFIX: broker.prefix }),
  };
}

describe('npm run dead-letters', { concurrency: 2 }, () => {
  it('list prints every queue with its count', async (test) => {
    const { run } = await setUp(test);
    const { stdout, code } = await run('list');
    assert.equal(code, 0);
    const rows = stdout.trimEnd().split('\n').slice(1);
    assert.deepEqual(
      rows.map((row) => row.split(/\s+/)),
      queueNames.map((name) => [name, name === 'mails' ? '1' : '0']),
    );
  });

  it('show prints each dead letter, with its content only on --body', async (test) => {
    const { broker, id, mail, run } = await setUp(test);
    const natively = await broker.sendDead('mails', 'ana@example.com is no event');
    const { stdout, code } = await run('show', 'mails');
    assert.equal(code, 0);
    const line = stdout.split('\n').find((one) => one.startsWith(id));
    assert.match(
      line ?? '',
      new RegExp(`mail\\.requested +${subject} +3 h +1 +550 no such \\\\u001b\\[31mmailbox$`),
    );
    assert.match(
      stdout,
      new RegExp(`^${natively} +- +- +\\d+ s +3 +unknown: its consumer exited`, 'm'),
    );
    assert.doesNotMatch(stdout, /ana@example/);
    const withBody = await run('show', 'mails', '--body');
    assert.ok(withBody.stdout.split('\n').includes(`  ${mail}`));
    assert.equal(await broker.count('mails'), 0);
  });

  it('redrive sends back by id, then all, with progress', async (test) => {
    const { broker, id, mail, run } = await setUp(test);
    for (let sent = 0; sent < 3; sent++) await broker.sendDead('mails', `another ${sent}`);
    const one = await run('redrive', 'mails', '--id', id, 'not-there');
    assert.equal(one.code, 1);
    assert.match(one.stderr, /^1 dead letter sent back to mails$/m);
    assert.match(one.stderr, /^no dead letter of mails has the id not-there$/m);
    const [message] = await broker.receive('mails');
    assert.equal(message?.Body, mail);
    assert.equal(message?.MessageAttributes?.type?.StringValue, 'mail.requested');
    assert.equal(message?.MessageAttributes?.error, undefined);
    const all = await run('redrive', 'mails');
    assert.equal(all.code, 0, all.stderr);
    assert.match(all.stderr, /^100 % \(3 of 3\)$/m);
    assert.equal(await broker.count('mails'), 4);
    const none = await run('redrive', 'mails');
    assert.equal(none.code, 0);
    assert.equal(none.stderr, 'mails has no dead letters\n');
  });

  it('purge deletes only with --yes', async (test) => {
    const { broker, run } = await setUp(test);
    const asked = await run('purge', 'mails');
    assert.equal(asked.code, 1);
    assert.match(asked.stderr, /^this permanently deletes .* --yes\n$/);
    assert.equal((await broker.deadLetters('mails')).length, 1);
    const told = await run('purge', 'mails', '--yes');
    assert.equal(told.code, 0);
    assert.match((await run('list')).stdout, /^mails +0$/m);
  });

  it('prints one line for every error', async () => {
    const nowhere = { SQS_PREFIX: 'there-is-no-such-system-' };
    for (const [args, words] of [
      [['list'], /the queues do not exist/],
      [['show'], /needs the name of a queue/],
      [['show', 'nails'], /no queue is named nails: use one of .*mails/],
      [['drop', 'mails'], /drop is not a command/],
      [['show', 'mails', '--colour'], /--colour/],
      [['redrive', 'mails', eventId], /--id/],
    ] as const) {
      const { stdout, stderr, code } = await deadLetters([...args], nowhere);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, words);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
      assert.equal(stdout, '');
    }
    const unreachable = await deadLetters(['list'], { AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1' });
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.stderr, /^http:\/\/127\.0\.0\.1:1 failed: .*ECONNREFUSED.*\n$/);
    const help = await deadLetters(['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: npm run dead-letters/);
  });
});
