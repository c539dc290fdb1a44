import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { password, startUserService, type UserService } from '../testing.ts';

describe('POST /internal/users/names', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const ask = (userIds: unknown) =>
    service.call('POST', '/internal/users/names', {
      body: { userIds },
      headers: { [credentialHeader]: testCredential },
    });

  it('returns names in order, null for unknown and deleted accounts', async () => {
    const ana = await service.openAccount({ name: 'Ana Lima' });
    const rui = await service.openAccount({ name: 'Rui Gomes' });
    const gone = await service.openAccount({ name: 'Eva Dias' });
    const deleted = await service.call('POST', '/v1/users/me/delete', {
      body: { password },
      headers: gone.headers,
    });
    assert.equal(deleted.status, 204);
    const userIds = [rui.user.id, randomUUID(), gone.user.id, ana.user.id, rui.user.id];
    const { status, body } = await ask(userIds);
    assert.equal(status, 200);
    assert.deepEqual(body, { names: ['Rui Gomes', null, null, 'Ana Lima', 'Rui Gomes'] });
  });

  it('accepts up to a hundred ids', async () => {
    assert.deepEqual((await ask([])).body, { names: [] });
    const many = Array.from({ length: 100 }, () => randomUUID());
    assert.deepEqual(
      (await ask(many)).body.names,
      many.map(() => null),
    );
    assert.equal((await ask([...many, randomUUID()])).status, 400);
    assert.equal((await ask(['email#ana@example.com'])).status, 400);
  });

  it('requires the internal credential', async () => {
    const answer = await service.call('POST', '/internal/users/names', { body: { userIds: [] } });
    assert.equal(answer.status, 401);
  });
});
