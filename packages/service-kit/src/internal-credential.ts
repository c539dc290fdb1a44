import { timingSafeEqual } from 'node:crypto';

/** Header that carries the internal credential. */
export const credentialHeader = 'x-internal-credential';

/** Whether a header value is the internal credential; compares in constant time. */
export function isCredential(value: string | string[] | undefined, expected: string): boolean {
  const [bytes, expectedBytes] = [Buffer.from(String(value ?? '')), Buffer.from(expected)];
  return bytes.length === expectedBytes.length && timingSafeEqual(bytes, expectedBytes);
}
