import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

export type TokenSeal = {
  /** Deterministic: the same content and secret give the same token. */
  seal(kind: number, content: Buffer): string;
  /** The content of a token; null unless it is intact, ours, and of this kind and purpose. */
  open(kind: number, contentBytes: number, token: string): Buffer | null;
};

const macBytes = 32;

/** Derives one key per secret (base64url) for one purpose (HKDF-SHA-256, RFC 5869). */
export function deriveKeys(secrets: readonly string[], purpose: string): Buffer[] {
  return secrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64url'), '', purpose, 32)),
  );
}

/**
 * Stateless tokens: base64url(kind ‖ content ‖ HMAC-SHA-256). The first secret signs, all verify. The kind is a
 * signed byte and the key belongs to the purpose, so a token of one kind or purpose never passes for another.
 * The content is signed, not encrypted.
 */
export function createTokenSeal(secrets: readonly string[], purpose: string): TokenSeal {
  const keys = deriveKeys(secrets, purpose);
  const [newest] = keys;
  if (newest === undefined) throw new Error('A ring of secrets needs at least one');
  const macOf = (key: Buffer, body: Buffer) => createHmac('sha256', key).update(body).digest();

  return {
    seal(kind, content) {
      const body = Buffer.concat([Buffer.of(kind), content]);
      return Buffer.concat([body, macOf(newest, body)]).toString('base64url');
    },
    open(kind, contentBytes, token) {
      const bytes = Buffer.from(token, 'base64url');
      // The decoder ignores invalid characters and stray bits; only the canonical spelling is accepted.
      if (bytes.length !== 1 + contentBytes + macBytes || bytes.toString('base64url') !== token)
        return null;
      const body = bytes.subarray(0, -macBytes);
      const mac = bytes.subarray(-macBytes);
      const isOurs = keys.some((key) => timingSafeEqual(macOf(key, body), mac));
      return isOurs && body[0] === kind ? body.subarray(1) : null;
    },
  };
}
