import { invalidField } from './problems.ts';

/** Packs the place where a page ended into an opaque cursor. */
export function encodeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * Unpacks a cursor made by `encodeCursor`. Throws `validation-failed` naming `cursor` when it is not one,
 * or does not hold the kinds of values expected here.
 */
export function decodeCursor<const K extends readonly ('string' | 'number')[]>(
  cursor: string,
  kinds: K,
): { [I in keyof K]: K[I] extends 'string' ? string : number } {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    place = null;
  }
  if (
    !Array.isArray(place) ||
    place.length !== kinds.length ||
    !kinds.every((kind, index) => typeof place[index] === kind)
  ) {
    throw invalidField('cursor', 'is not a valid cursor for this list');
  }
  return place as never;
}
