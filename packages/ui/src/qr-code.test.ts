import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { qrPath } from './qr-code.ts';

describe('qrPath', () => {
  it('draws each run of dark modules inside a quiet border', () => {
    const rows = ['##.', '...', '.##'];
    const { size, path } = qrPath({
      size: 3,
      get: (row, column) => (rows[row]?.[column] === '#' ? 1 : 0),
    });
    assert.equal(size, 11);
    assert.equal(path, 'M4 4h2v1H4zM5 6h2v1H5z');
  });
});
