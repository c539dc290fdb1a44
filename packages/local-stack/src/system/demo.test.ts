import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { createClient } from '@queue-manager/client/client';
import { listQueues } from '@queue-manager/contracts/queues';
import { login } from '@queue-manager/contracts/tokens';
import { listVenues } from '@queue-manager/contracts/venues';
import { testEnv, uniqueName } from '@queue-manager/service-kit/testing';
import { StackError } from '../stack-error.ts';
import { demoQueue, makeDemo, planDemo, readDemo } from './demo.ts';

const gatewayUrl = testEnv('GATEWAY_URL');
const mailUrl = testEnv('MAIL_URL');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'queue-manager-demo-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Creates the demo data and fails after this many answers, as a killed process would. */
async function makeDemoUntil(answers: number): Promise<void> {
  const { fetch } = globalThis;
  let left = answers;
  globalThis.fetch = async (...args) => {
    const answer = await fetch(...args);
    // Polling the inbox counts as one step.
    if (!String(args[0]).includes('/email') && left-- === 0) throw new Error('killed');
    return answer;
  };
  try {
    await makeDemo(folder, gatewayUrl, mailUrl);
  } finally {
    globalThis.fetch = fetch;
  }
}

async function contents() {
  const demo = readDemo(folder);
  assert.ok(demo);
  const { email, password } = demo;
  const { succeed } = createClient(gatewayUrl);
  const { accessToken: token } = await succeed(login, { body: { email, password } });
  const { data: venues } = await succeed(listVenues, { token });
  const queues = await Promise.all(
    venues.map(({ id }) => succeed(listQueues, { token, params: { venueId: id } })),
  );
  return {
    venues: venues.map(({ name }) => name),
    queues: queues.flatMap(({ data }) => data.map(({ name }) => name)),
  };
}

suite('the demo data', () => {
  // Sign in, sign in, sign up, verify, sign in, list venues, create one, list queues, create one.
  for (let answers = 0; answers < 9; answers++) {
    test(`is created once after a start was interrupted after answer ${answers}`, async () => {
      planDemo(folder, `${uniqueName('owner')}@demo.queue-manager.dev`);
      await assert.rejects(makeDemoUntil(answers), { message: 'killed' });
      assert.equal(readDemo(folder)?.complete, false);
      await makeDemo(folder, gatewayUrl, mailUrl);
      assert.deepEqual(await contents(), { venues: ['The Blue Door'], queues: ['Tables'] });
      const demo = readDemo(folder);
      assert.equal(demo?.complete, true);
      assert.match((await demoQueue(gatewayUrl, demo))?.joinUrl ?? '', /^http.*\/j\/\w+$/);
    });
  }

  test('is not created when none was planned', async () => {
    await makeDemo(folder, 'http://nowhere.invalid', 'http://nowhere.invalid');
    assert.equal(readDemo(folder), undefined);
  });

  test('with a damaged file is reported in one line', () => {
    writeFileSync(join(folder, 'demo.json'), '{');
    assert.throws(() => readDemo(folder), StackError);
  });
});
