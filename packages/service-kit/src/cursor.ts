import { isUuid } from './ids.ts';
import { invalidField } from './problems.ts';

/** Encodes the position after the last item of a page as an opaque cursor. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** What the values of a cursor can be; `count` is a whole number from 0. */
const checks = {
  string: (value: unknown) => typeof value === 'string',
  uuid: isUuid,
  count: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
};
type Kind = keyof typeof checks;

/** Decodes a cursor made by `encodeCursor`. Throws `validation-failed` unless its values are of the expected kinds. */
export function decodeCursor<const K extends readonly Kind[]>(
  cursor: string,
  kinds: K,
): { [I in keyof K]: K[I] extends 'count' ? number : string } {
  let position: unknown;
  try {
    position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalidCursor();
  }
  if (
    !Array.isArray(position) ||
    position.length !== kinds.length ||
    !kinds.every((kind, index) => checks[kind](position[index]))
  ) {
    throw invalidCursor();
  }
  return position as never;
}

export function invalidCursor() {
  return invalidField('cursor', 'is not a valid cursor for this list');
}
