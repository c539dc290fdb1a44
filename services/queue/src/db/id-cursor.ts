import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { bytesToUuid, isUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { invalidField } from '@queue-manager/service-kit/problems';

/** The cursor of a list that is ordered by id: the last id shown. */
export function encodeIdCursor(id: Buffer): string {
  return encodeCursor([bytesToUuid(id)]);
}

export function decodeIdCursor(cursor: string): Buffer {
  const [id] = decodeCursor(cursor, ['string']);
  if (!isUuid(id)) throw invalidField('cursor', 'is not a valid cursor for this list');
  return uuidToBytes(id);
}
