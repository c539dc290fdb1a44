import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Makes and opens tokens for one purpose; see `createTokenSeal`. */
export type TokenSeal = {
  /** The token of a kind with this content; always the same for the same secret. */
  seal(kind: number, content: Buffer): string;
  /** The content of a token; null for anything that was not made here, whole, as this kind and for this purpose. */
  open(kind: number, contentBytes: number, token: string): Buffer | null;
};

const macBytes = 32;

/** A key for each secret of a ring (base64url), for one purpose only (HKDF-SHA-256, RFC 5869). */
export function deriveKeys(secrets: readonly string[], purpose: string): Buffer[] {
  return secrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64url'), '', purpose, 32)),
  );
}

/**
 * Tokens that are derived and stored nowhere: base64url(kind ‖ content ‖ HMAC-SHA-256). The first secret of the
 * ring makes them, all open them. The kind is one byte under the signature, and the key belongs to the purpose:
 * a token of one kind or purpose never passes for another. What a token says is readable to whoever holds it.
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
      // Decoding forgives foreign characters and stray bits; a token has one spelling only.
      if (bytes.length !== 1 + contentBytes + macBytes || bytes.toString('base64url') !== token)
        return null;
      const body = bytes.subarray(0, -macBytes);
      const mac = bytes.subarray(-macBytes);
      const isOurs = keys.some((key) => timingSafeEqual(macOf(key, body), mac));
      return isOurs && body[0] === kind ? body.subarray(1) : null;
    },
  };
}
