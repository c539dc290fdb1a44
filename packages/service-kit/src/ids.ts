import { v7, validate } from 'uuid';
import type { Clock } from './clock.ts';

/** A new UUIDv7: unique, and ordered by the clock's time to the millisecond. */
export function newId(clock: Clock): string {
  return v7({ msecs: clock.now().getTime() });
}

/** The 16 bytes of a UUID, as stored in `BINARY(16)`. */
export function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** The lower-case text form of 16 bytes. */
export function bytesToUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Whether the text is a UUID of any version. */
export const isUuid = validate;
