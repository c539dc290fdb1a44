import { timingSafeEqual } from 'node:crypto';

/** Header that carries the internal credential. */
export const credentialHeader = 'x-internal-credential';

/** The credential that a service sends. */
export function sentCredential(credentials: string): string {
  return credentials.split(',', 1)[0] as string;
}

/**
 * Whether a header value is one of the accepted credentials; compares in constant time. Of several, the first counts: tools that
 * read metrics send the variable as it is.
 */
export function isCredential(value: string | string[] | undefined, credentials: string): boolean {
  const bytes = Buffer.from(sentCredential(String(value ?? '')));
  return credentials
    .split(',')
    .map((credential) => isEqual(bytes, Buffer.from(credential)))
    .includes(true);
}

function isEqual(bytes: Buffer, expected: Buffer): boolean {
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}
