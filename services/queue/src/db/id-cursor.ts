import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';

/** Sorts before every id. */
export const lowestId = Buffer.alloc(16);

/** The cursor of a list that is ordered by id: the last id shown. */
export function encodeIdCursor(id: Buffer): string {
  return encodeCursor([bytesToUuid(id)]);
}

/** The id after which a page begins; without a cursor, the first page. */
export function decodeIdCursor(cursor: string | undefined): Buffer {
  return cursor === undefined ? lowestId : uuidToBytes(decodeCursor(cursor, ['uuid'])[0]);
}
