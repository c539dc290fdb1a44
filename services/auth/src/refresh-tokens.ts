import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Session } from './sessions.ts';

/** The parts of a refresh token, untrusted until `isGenuine` has verified them. */
export type PresentedToken = {
  userId: string;
  sessionId: string;
  counter: number;
  body: Buffer;
  mac: Buffer;
};

/**
 * Refresh tokens are derived from their session and a counter, so that the same one can be issued again. A copy of
 * the table yields none, since each session's secret is only half of the key.
 */
export type RefreshTokens = {
  make(session: Session, counter: number): string;
  read(token: string): PresentedToken | null;
  isGenuine(session: Session, presented: PresentedToken): boolean;
};

const bodyBytes = 16 + 16 + 4;
const macBytes = 32;

export function createRefreshTokens(secrets: readonly string[]): RefreshTokens {
  const [newest] = secrets;
  if (newest === undefined) throw new Error('Refresh tokens need at least one secret');

  /** HMAC-SHA-256 with a key derived from both secrets (HKDF, RFC 5869). */
  function macOf(secret: string, session: Session, body: Buffer): Buffer {
    const key = hkdfSync(
      'sha256',
      Buffer.from(secret, 'base64url'),
      Buffer.from(session.secret, 'base64url'),
      'refresh-token',
      32,
    );
    return createHmac('sha256', Buffer.from(key)).update(body).digest();
  }

  return {
    make(session, counter) {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(counter);
      const body = Buffer.concat([uuidToBytes(session.userId), uuidToBytes(session.id), number]);
      return Buffer.concat([body, macOf(newest, session, body)]).toString('base64url');
    },
    read(token) {
      const bytes = Buffer.from(token, 'base64url');
      // The decoder ignores invalid characters and stray bits; only the canonical spelling is accepted.
      if (bytes.length !== bodyBytes + macBytes || bytes.toString('base64url') !== token)
        return null;
      return {
        userId: bytesToUuid(bytes.subarray(0, 16)),
        sessionId: bytesToUuid(bytes.subarray(16, 32)),
        counter: bytes.readUInt32BE(32),
        body: bytes.subarray(0, bodyBytes),
        mac: bytes.subarray(bodyBytes),
      };
    },
    isGenuine: (session, { body, mac }) =>
      secrets.some((secret) => timingSafeEqual(macOf(secret, session, body), mac)),
  };
}
