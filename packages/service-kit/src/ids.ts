import { randomFillSync } from 'node:crypto';
import { v7, validate } from 'uuid';
import type { Clock } from './clock.ts';

/** Random bytes for 256 ids: fetching them for each id costs more than making the id. */
const randomBytes = new Uint8Array(256 * 16);
let usedBytes = randomBytes.length;

function nextRandom(): Uint8Array {
  if (usedBytes === randomBytes.length) {
    randomFillSync(randomBytes);
    usedBytes = 0;
  }
  usedBytes += 16;
  return randomBytes.subarray(usedBytes - 16, usedBytes);
}

/** A new UUIDv7, ordered by the clock's time to the millisecond. */
export function newId(clock: Clock): string {
  return v7({ msecs: clock.now().getTime(), random: nextRandom() });
}

/** The 16 bytes of a UUID, as stored in `BINARY(16)`. */
export function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** The lower-case text of a UUID. */
export function bytesToUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Whether the text is a UUID of any version. */
export const isUuid = validate;
