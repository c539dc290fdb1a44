import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createTokenSeal } from '@queue-manager/service-kit/sealed-tokens';
import type { SignUpKey } from '../store/sign-ups.ts';

/** Permission to set a new password, until `expiresAt` or the next change of the password. */
export type ResetPermission = { userId: string; passwordVersion: number; expiresAt: Date };

/**
 * Tokens in account mails. They are derived, not stored: a copy of the tables yields none, and a mail that is sent
 * again carries the same one. Reading returns null for a token that is forged, altered or of another kind. Callers
 * check whether it is still valid.
 */
export type AccountTokens = {
  makeVerification(key: SignUpKey): string;
  readVerification(token: string): SignUpKey | null;
  makeReset(permission: ResetPermission): string;
  readReset(token: string): ResetPermission | null;
};

const kinds = { verification: 1, reset: 2 };

export function createAccountTokens(secrets: readonly string[]): AccountTokens {
  const { seal, open } = createTokenSeal(secrets, 'account-token');

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
