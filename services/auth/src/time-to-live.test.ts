import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type Accounts, startAccounts } from './testing.ts';

describe('time to live of sessions', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  it('is not before the session expires, also after a refresh', async () => {
    const { pair } = await accounts.signIn();
    const check = async () => {
      const { db, tables } = accounts.deps;
      const command = new ScanCommand({ TableName: tables.sessions.name, ConsistentRead: true });
      const { Items = [] } = await db.send(command);
      assert.equal(Items.length, 1);
      const { ttl, expiresAt } = Items[0] as { ttl: number; expiresAt: string };
      assert.ok(ttl * 1_000 >= Date.parse(expiresAt), `${ttl} ${expiresAt}`);
    };
    await check();
    accounts.clock.advance(60);
    assert.equal((await accounts.refresh(pair.refreshToken)).status, 200);
    await check();
  });
});
