import assert from 'node:assert/strict';
import { it } from 'node:test';
import { qrCodes } from './qr-codes.ts';

for (const format of ['png', 'svg'] as const) {
  it(`makes a code once, whoever asks for it and how often: ${format}`, async () => {
    const text = 'https://line.example/join/ABCDEFGHJK';
    const codeOf = qrCodes[format];
    const [one, another] = await Promise.all([codeOf(text), codeOf(text)]);
    assert.equal(one, another);
    assert.equal(await codeOf(text), one);
    assert.notDeepEqual(await codeOf(`${text}M`), one);
  });
}
