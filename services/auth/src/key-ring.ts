import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { JsonWebKeySet } from '@queue-manager/contracts/tokens';
import { z } from 'zod';

const PrivateKeys = z
  .array(
    z.object({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: z.base64url(),
      y: z.base64url(),
      d: z.base64url(),
      kid: z.string().min(1),
    }),
  )
  .min(1)
  .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length);

export type KeyRing = {
  signing: { kid: string; privatePem: string; publicPem: string };
  /** All public keys. */
  jwks: z.infer<typeof JsonWebKeySet>;
};

/** Parses an array of private JWKs; the first signs. Throws when one of them is invalid. */
export function createKeyRing(jwks: unknown): KeyRing {
  const keys = PrivateKeys.parse(jwks);
  const publicKeys = keys.map((jwk) => {
    const { kty, crv, x, y, kid } = jwk;
    const probe = Buffer.from(kid);
    const signature = sign('sha256', probe, createPrivateKey({ key: jwk, format: 'jwk' }));
    const publicKey = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
    if (!verify('sha256', probe, publicKey, signature)) {
      throw new Error('The public part of a key does not match its private part');
    }
    return { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } as const;
  });
  const first = keys[0] as (typeof keys)[0];
  const privateKey = createPrivateKey({ key: first, format: 'jwk' });
  return {
    signing: {
      kid: first.kid,
      privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
    },
    jwks: { keys: publicKeys },
  };
}
