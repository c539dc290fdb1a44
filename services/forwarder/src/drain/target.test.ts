import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { excerptOf } from './excerpt.ts';
import { keysOf, parseTarget, requestOf } from './target.ts';

const data = {
  userId: '0198c0de-0000-7000-8000-000000000001',
  name: 'Zoë "Z" {{email}}',
  email: 'zoe@example.com',
  locale: 'pt',
  createdAt: '2026-03-07T20:00:00.000Z',
  verifiedAt: '2026-03-07T20:01:00.000Z',
};
const outside = { allowPrivate: false };
const parse = (target: object, options = outside) => parseTarget(JSON.stringify(target), options);

describe('target', () => {
  it('fills in the contact and keys, each where it may be', () => {
    const target = parse({
      url: 'https://api.example.com/contacts/{{id}}',
      method: 'PUT',
      headers: { 'X-Key': '{{key:one}}', 'X-Id': 'a-{{id}}' },
      body: { person: { names: ['{{name}}'], mail: '{{email}}' }, tags: ['new', 1, null, true] },
    });
    assert.deepEqual(keysOf(target), ['one']);
    const request = requestOf(target, data, new Map([['one', 'k{{id}}']]));
    assert.deepEqual(
      { ...request, body: JSON.parse(request.body) },
      {
        url: `https://api.example.com/contacts/${data.userId}`,
        method: 'PUT',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': data.userId,
          'x-key': 'k{{id}}',
          'x-id': `a-${data.userId}`,
        },
        body: {
          person: { names: [data.name], mail: data.email },
          tags: ['new', 1, null, true],
        },
      },
    );
  });

  it('may name the idempotency key differently', () => {
    const headers = { 'Idempotency-Key': 'user-{{id}}' };
    const target = parse({ url: 'https://api.example.com', headers, body: {} });
    assert.equal(
      requestOf(target, data, new Map()).headers['idempotency-key'],
      `user-${data.userId}`,
    );
  });

  for (const [fault, target] of [
    ['it is not JSON', '{'],
    ['url must be an https address', { url: 'http://api.example.com', body: {} }],
    ['url must be an https address', { url: 'ftp://api.example.com', body: {} }],
    ['url must have a public address', { url: 'https://10.0.0.1', body: {} }],
    ['url must have a public address', { url: 'https://169.254.169.254/latest', body: {} }],
    ['url must have a public address', { url: 'https://[::ffff:127.0.0.1]', body: {} }],
    ['url must have a public address', { url: 'https://2130706433', body: {} }],
    ['url must have no credentials', { url: 'https://me:secret@api.example.com', body: {} }],
    ['url may not have {{email}}', { url: 'https://a.example/?e={{email}}', body: {} }],
    [
      'headers.x may not have {{name}}',
      { url: 'https://a.example', headers: { x: '{{name}}' }, body: {} },
    ],
    [
      'body may not have {{passwordHash}}',
      { url: 'https://a.example', body: ['{{passwordHash}}'] },
    ],
    ['body may not have {{key:../a}}', { url: 'https://a.example', body: ['{{key:../a}}'] }],
    ['method', { url: 'https://a.example', method: 'GET', body: {} }],
    ['body', { url: 'https://a.example' }],
  ] as const) {
    it(`is refused: ${fault}`, () => {
      const json = typeof target === 'string' ? target : JSON.stringify(target);
      assert.throws(
        () => parseTarget(json, outside),
        ({ name, message }: Error) => {
          assert.equal(name, 'Misconfigured');
          assert.ok(message.includes(fault), message);
          return !message.includes('secret');
        },
      );
    });
  }

  it('may be private and without TLS where that is allowed', () => {
    assert.ok(parse({ url: 'http://127.0.0.1:9000', body: {} }, { allowPrivate: true }));
  });
});

describe('excerptOf', () => {
  it('removes the contact and the keys, in any form, and shortens the rest', () => {
    const text = `{"m":"ZOE@example.com zoe%40example.com Zo\\u00eb\n k.1 ${'x'.repeat(400)}"}`;
    const excerpt = excerptOf(text, { ...data, name: 'Zoë' }, ['k.1']);
    assert.match(excerpt, /^\{"m":"\(removed\) \(removed\) \(removed\) \(removed\) x+$/);
    assert.equal(excerpt.length, 300);
  });
});
