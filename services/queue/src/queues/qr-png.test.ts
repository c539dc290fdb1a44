import assert from 'node:assert/strict';
import { it } from 'node:test';
import jsQr from 'jsqr';
import { PNG } from 'pngjs';
import { qrPng } from './qr-png.ts';

it('draws a code that a phone reads, of any length', async () => {
  for (const text of [
    'https://line.example/join/ABCDEFGHJK',
    `https://a-long-name.example/${'restaurant/'.repeat(20)}`,
  ]) {
    const { data, width, height } = PNG.sync.read(await qrPng(text));
    assert.ok(width >= 1_024 && width === height, `${width} × ${height}`);
    assert.equal(jsQr.default(new Uint8ClampedArray(data), width, height)?.data, text);
  }
});
