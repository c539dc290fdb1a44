import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { faultText } from './fault-text.ts';

describe('faultText', () => {
  const kinds = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('call') }),
    z.object({ kind: z.literal('seat') }),
  ]);
  for (const [schema, value, expected] of [
    [z.string(), undefined, 'is required'],
    [z.string(), null, 'must be a string'],
    [z.array(z.string()), 'x', 'must be an array'],
    [z.int(), 'x', 'must be a number'],
    [z.coerce.number(), 'x', 'must be a number'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.int().min(1), 0, 'must be at least 1'],
    [z.number().positive(), 0, 'must be more than 0'],
    [z.int().max(9), 10, 'must be at most 9'],
    [z.number().lt(9), 9, 'must be less than 9'],
    [z.number().multipleOf(5), 6, 'must be a multiple of 5'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(2), '', 'must have at least 2 characters'],
    [z.string().max(1), 'xy', 'must have at most 1 character'],
    [z.string().length(2), 'x', 'must have exactly 2 characters'],
    [z.array(z.string()).min(1), [], 'must have at least 1 item'],
    [z.array(z.string()).max(2), ['', '', ''], 'must have at most 2 items'],
    [z.enum(['open', 'paused']), 'x', 'must be one of open, paused'],
    [z.literal(true), false, 'must be true'],
    [kinds, { kind: 'x' }, 'must be one of call, seat'],
    [z.union([z.int(), z.boolean()]), 'x', 'is not valid'],
    [z.uuid(), 'x', 'must be a UUID'],
    [z.iso.datetime(), 'x', 'must be a time such as 2026-11-20T21:00:00Z'],
    [z.string().regex(/^a$/), 'x', 'has the wrong format'],
    [z.string().refine(() => false), 'x', 'is not valid'],
    [z.string().min(1, 'says it itself'), '', 'says it itself'],
  ] as const) {
    it(`says that it ${expected}`, () => {
      const { error } = schema.safeParse(value, { error: faultText });
      assert.deepEqual(
        error?.issues.map(({ message }) => message),
        [expected],
      );
    });
  }
});
