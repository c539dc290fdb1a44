import { randomInt } from 'node:crypto';

/** Crockford's base 32: no letter that is taken for a digit when read from a screen. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 50 random bits: too many to try, short enough to type. */
const length = 10;

export function newJoinCode(): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
