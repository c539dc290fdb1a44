import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { importJWK, SignJWT } from 'jose';

/** The headers of calls by an account that nobody else knows; `tokenKeys` as the auth service is given them. */
export async function ownerHeaders(tokenKeys: string): Promise<Record<string, string>> {
  const [jwk] = JSON.parse(tokenKeys);
  const token = await new SignJWT({ sid: newId(systemClock) })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid })
    .setIssuer('queue-manager')
    .setAudience('queue-manager')
    .setSubject(newId(systemClock))
    .setIssuedAt()
    .setExpirationTime('4h')
    .sign(await importJWK(jwk, 'ES256'));
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}
