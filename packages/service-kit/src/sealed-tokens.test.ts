import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTokenSeal } from './sealed-tokens.ts';

describe('createTokenSeal', () => {
  const secrets = [7, 8].map((byte) => Buffer.alloc(32, byte).toString('base64url'));
  const [first = '', second = ''] = secrets;
  const content = Buffer.from('0198c0de00007000800000000000abcd', 'hex');
  const seal = createTokenSeal([first], 'parcel');
  const token = seal.seal(1, content);

  it('opens its own tokens, which are deterministic', () => {
    assert.equal(seal.seal(1, content), token);
    assert.deepEqual(seal.open(1, 16, token), content);
  });

  it('returns null for another kind, purpose, length or secret', () => {
    assert.equal(seal.open(2, 16, token), null);
    assert.equal(seal.open(1, 15, token), null);
    assert.equal(createTokenSeal([first], 'letter').open(1, 16, token), null);
    assert.equal(createTokenSeal([second], 'parcel').open(1, 16, token), null);
  });

  it('returns null for a token that was changed, truncated or spelled differently', () => {
    const bytes = Buffer.from(token, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const tampered = Buffer.from(bytes);
      tampered[index] = (tampered[index] as number) ^ 1;
      assert.equal(seal.open(1, 16, tampered.toString('base64url')), null, `byte ${index}`);
    }
    for (const other of ['', 'x', token.slice(0, -1), `${token}A`, `${token}=`, ` ${token}`])
      assert.equal(seal.open(1, 16, other), null, other);
  });

  it('signs with the first secret and verifies with all', () => {
    const renewed = createTokenSeal([second, first], 'parcel');
    assert.deepEqual(renewed.open(1, 16, token), content);
    assert.notEqual(renewed.seal(1, content), token);
    assert.throws(() => createTokenSeal([], 'parcel'), /at least one/);
  });
});
