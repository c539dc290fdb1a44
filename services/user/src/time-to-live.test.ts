import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { password, randomEmail, startUserService, type UserService } from './testing.ts';

type Item = { sk?: string; expiresAt?: string; ttl?: number };

describe('time to live of stored items', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
    const body = { name: 'Ana Sousa', email: randomEmail(), password };
    assert.equal((await service.post('/v1/users', body, randomUUID())).status, 202);
    await service.post('/v1/users/verify/resend', { email: randomEmail() });
  });
  after(() => service.close());

  async function itemsOf(table: 'signUps' | 'idempotency'): Promise<Item[]> {
    const { deps } = service;
    const command = new ScanCommand({ TableName: deps.tables[table].name, ConsistentRead: true });
    const { Items = [] } = await deps.db.send(command);
    assert.ok(Items.length > 0, `${table} is empty`);
    return Items;
  }

  it('is not before the item expires', async () => {
    for (const item of [...(await itemsOf('signUps')), ...(await itemsOf('idempotency'))]) {
      if (item.expiresAt === undefined) continue;
      assert.ok((item.ttl ?? 0) * 1_000 >= Date.parse(item.expiresAt), JSON.stringify(item));
    }
  });

  it('keeps the count of mails until its day is over', async () => {
    const counts = (await itemsOf('signUps')).filter(({ sk }) =>
      /^(mails|silences)#/.test(sk ?? ''),
    );
    assert.ok(counts.length > 0);
    for (const { sk = '', ttl = 0 } of counts) {
      const day = Date.parse(sk.slice(sk.indexOf('#') + 1));
      assert.ok(ttl * 1_000 >= day + 24 * 60 * 60 * 1_000, sk);
    }
  });
});
