import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateSecrets } from '@queue-manager/local-stack/data-folder/secrets';
import { readConfig } from '@queue-manager/service-kit/config';
import { services } from '../services.ts';
import { type SecretName, secretNames, steps } from './ring.ts';

/** The schema of a service that reads this secret. */
function schemaOf(name: SecretName) {
  const reader = services.find(({ env }) => name in env);
  assert.ok(reader, `no service reads ${name}`);
  return { [name]: reader.env[name] as (typeof reader.env)[string] };
}

const keysOf = (value: string): unknown[] =>
  value.startsWith('[') ? JSON.parse(value) : value.split(',');

for (const name of secretNames.filter((secret) => secret !== 'UNSUBSCRIBE_KEY')) {
  test(`${name} is replaced in three steps, each of which its services can read`, () => {
    const old = generateSecrets()[name];
    const added = steps.add(name, old);
    const promoted = steps.promote(name, added);
    const retired = steps.retire(name, promoted);
    for (const value of [old, added, promoted, retired]) {
      readConfig(schemaOf(name), { [name]: value });
    }
    // The old key signs until the new one is known everywhere.
    assert.deepEqual(keysOf(added)[0], keysOf(old)[0]);
    assert.deepEqual(keysOf(promoted), keysOf(added).toReversed());
    assert.deepEqual(keysOf(retired), [keysOf(added)[1]]);
    assert.throws(() => steps.add(name, added), /promote or retire/);
    assert.throws(() => steps.promote(name, old), /add another/);
  });
}

test('tickets get a key id that no key has, also after 255', () => {
  const secret = 'x'.repeat(43);
  const idsAfter = (id: number) =>
    JSON.parse(steps.add('TICKET_KEYS', JSON.stringify([{ id, secret }]))).map(
      (key: { id: number }) => key.id,
    );
  assert.deepEqual(idsAfter(1), [1, 2]);
  assert.deepEqual(idsAfter(255), [255, 0]);
});

test('the key of unsubscribe links is not replaced', () => {
  const value = generateSecrets().UNSUBSCRIBE_KEY;
  assert.throws(() => steps.add('UNSUBSCRIBE_KEY', value), /never replaced/);
});
