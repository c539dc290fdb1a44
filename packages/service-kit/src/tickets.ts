import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { bytesToUuid, uuidToBytes } from './ids.ts';

export type TicketKey = { id: number; secret: string };
export type TicketSubject = { queueId: string; partyId: string };

export type TicketCodec = {
  /** The ticket of a party; deterministic for a signing key. */
  issue(subject: TicketSubject): string;
  /** The party of a ticket; null when it is malformed, tampered with or signed by an unknown key. */
  read(ticket: string): Readonly<TicketSubject> | null;
};

const idBytes = 16;
const macBytes = 16;
const signedBytes = 1 + 2 * idBytes;
/** LRU size of the verified-ticket cache; an entry takes about half a kilobyte. */
const verifiedMax = 10_000;
const ticketChars = Math.ceil(((signedBytes + macBytes) * 4) / 3);

/**
 * Tickets: base64url(keyId ‖ queueId ‖ partyId ‖ HMAC-SHA-256 truncated to 128 bits, RFC 2104 section 5).
 * Self-contained, so that any process can verify and route one without a lookup. Verified tickets are cached:
 * guests poll with the same one, and a verification takes as long as a Redis command.
 */
export function createTicketCodec(ring: readonly TicketKey[]): TicketCodec {
  // As key objects: creating one for each digest costs more than the digest itself.
  const secrets = new Map(
    ring.map((key) => [key.id, createSecretKey(Buffer.from(key.secret, 'base64url'))]),
  );
  const signing = ring[0];
  if (signing === undefined) throw new Error('A ticket ring needs at least one key');

  const verified = new LRUCache<string, Readonly<TicketSubject>>({ max: verifiedMax });
  const macOf = (signed: Buffer, secret: KeyObject) =>
    createHmac('sha256', secret).update(signed).digest().subarray(0, macBytes);

  return {
    issue({ queueId, partyId }) {
      const signed = Buffer.concat([
        Buffer.of(signing.id),
        uuidToBytes(queueId),
        uuidToBytes(partyId),
      ]);
      const mac = macOf(signed, secrets.get(signing.id) as KeyObject);
      return Buffer.concat([signed, mac]).toString('base64url');
    },
    read(ticket) {
      const known = verified.get(ticket);
      if (known !== undefined) return known;
      if (ticket.length !== ticketChars) return null;
      const bytes = Buffer.from(ticket, 'base64url');
      if (bytes.length !== signedBytes + macBytes || bytes.toString('base64url') !== ticket)
        return null;
      const secret = secrets.get(bytes[0] as number);
      if (secret === undefined) return null;
      const signed = bytes.subarray(0, signedBytes);
      if (!timingSafeEqual(macOf(signed, secret), bytes.subarray(signedBytes))) return null;
      const subject = {
        queueId: bytesToUuid(signed.subarray(1, 1 + idBytes)),
        partyId: bytesToUuid(signed.subarray(1 + idBytes)),
      };
      verified.set(ticket, subject);
      return subject;
    },
  };
}
