import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { prefixedOutput, readableLine } from './log-lines.ts';

const time = '2026-03-01T20:15:30.000Z';
const clockTime = new Date(time).toTimeString().slice(0, 8);

suite('log lines', () => {
  test('show time, level, message and fields', () => {
    const line = JSON.stringify({
      level: 40,
      time,
      name: 'queue',
      reqId: 'r-1',
      status: 503,
      nested: { a: 1 },
      msg: 'request',
    });
    assert.equal(
      readableLine(line, false),
      `${clockTime} warn  request reqId=r-1 status=503 nested={"a":1}`,
    );
  });

  test('show the stack of an error below', () => {
    const line = JSON.stringify({
      level: 50,
      time,
      msg: 'failed',
      err: { type: 'Error', message: 'no', stack: 'Error: no\n    at there' },
    });
    assert.equal(readableLine(line, false), `${clockTime} error failed\nError: no\n    at there`);
  });

  test('are unchanged when they are not JSON', () => {
    for (const line of ['plain words', '{ not json', '']) {
      assert.equal(readableLine(line, false), line);
    }
  });

  test('have colours only on request', () => {
    const line = JSON.stringify({ level: 30, time, msg: 'hello' });
    assert.ok(!readableLine(line, false).includes('\u001b'));
    assert.ok(readableLine(line, true).includes('\u001b[32m'));
  });

  test('are prefixed with the name of their program, each part of them', () => {
    const written: string[] = [];
    const output = prefixedOutput(['auth', 'position'], (text) => written.push(text), false);
    output('auth', 'one');
    output('position', JSON.stringify({ level: 50, time, msg: 'x', err: { stack: 'a\nb' } }));
    assert.equal(
      written.join(''),
      `auth     | one\nposition | ${clockTime} error x\nposition | a\nposition | b\n`,
    );
  });
});
