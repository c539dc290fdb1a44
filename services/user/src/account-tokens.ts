import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';

/** Names one sign-up: where it stands in the table. */
export type SignUpName = { addressKey: string; id: string };

/** A permission to set a new password, until `expiresAt` or the next change of the password. */
export type ResetPermission = { userId: string; passwordVersion: number; expiresAt: Date };

/**
 * Tokens in account mails. They are derived: a copy of the tables yields none, and a mail that is sent again
 * carries the same one. Reading gives null for anything that was not made here, whole and for that purpose;
 * whether it still holds is for the caller to see.
 */
export type AccountTokens = {
  makeVerification(name: SignUpName): string;
  readVerification(token: string): SignUpName | null;
  makeReset(permission: ResetPermission): string;
  readReset(token: string): ResetPermission | null;
};

/** The first byte of a token, under its signature: a token of one kind never passes for another. */
const kinds = { verification: 1, reset: 2 };
const macBytes = 32;

/** A key for each secret of a ring, for one purpose only (HKDF-SHA-256, RFC 5869). */
export function deriveKeys(secrets: readonly string[], purpose: string): Buffer[] {
  return secrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64url'), '', purpose, 32)),
  );
}

export function createAccountTokens(secrets: readonly string[]): AccountTokens {
  const keys = deriveKeys(secrets, 'account-token');
  const [newest] = keys;
  if (newest === undefined) throw new Error('A ring of secrets needs at least one');
  const macOf = (key: Buffer, body: Buffer) => createHmac('sha256', key).update(body).digest();

  function seal(kind: number, content: Buffer): string {
    const body = Buffer.concat([Buffer.of(kind), content]);
    return Buffer.concat([body, macOf(newest as Buffer, body)]).toString('base64url');
  }

  function open(kind: number, contentBytes: number, token: string): Buffer | null {
    const bytes = Buffer.from(token, 'base64url');
    // Decoding forgives foreign characters and stray bits; a token has one spelling only.
    if (bytes.length !== 1 + contentBytes + macBytes || bytes.toString('base64url') !== token)
      return null;
    const body = bytes.subarray(0, -macBytes);
    const mac = bytes.subarray(-macBytes);
    const isOurs = keys.some((key) => timingSafeEqual(macOf(key, body), mac));
    return isOurs && body[0] === kind ? body.subarray(1) : null;
  }

  return {
    makeVerification({ addressKey, id }) {
      const content = Buffer.concat([Buffer.from(addressKey, 'base64url'), uuidToBytes(id)]);
      return seal(kinds.verification, content);
    },
    readVerification(token) {
      const content = open(kinds.verification, 48, token);
      if (content === null) return null;
      return {
        addressKey: content.subarray(0, 32).toString('base64url'),
        id: bytesToUuid(content.subarray(32)),
      };
    },
    makeReset({ userId, passwordVersion, expiresAt }) {
      const numbers = Buffer.alloc(10);
      numbers.writeUInt32BE(passwordVersion, 0);
      numbers.writeUIntBE(expiresAt.getTime(), 4, 6);
      return seal(kinds.reset, Buffer.concat([uuidToBytes(userId), numbers]));
    },
    readReset(token) {
      const content = open(kinds.reset, 26, token);
      if (content === null) return null;
      return {
        userId: bytesToUuid(content.subarray(0, 16)),
        passwordVersion: content.readUInt32BE(16),
        expiresAt: new Date(content.readUIntBE(20, 6)),
      };
    },
  };
}
