import { invalidField } from './problems.ts';

/** Encodes the position after the last item of a page as an opaque cursor. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * Decodes a cursor made by `encodeCursor`. Throws `validation-failed` for `cursor` when it is malformed or its
 * values are not of the expected types.
 */
export function decodeCursor<const K extends readonly ('string' | 'number')[]>(
  cursor: string,
  types: K,
): { [I in keyof K]: K[I] extends 'string' ? string : number } {
  let position: unknown;
  try {
    position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    position = null;
  }
  if (
    !Array.isArray(position) ||
    position.length !== types.length ||
    !types.every((type, index) => typeof position[index] === type)
  ) {
    throw invalidField('cursor', 'is not a valid cursor for this list');
  }
  return position as never;
}
