import { timingSafeEqual } from 'node:crypto';

/** Where services of the system show each other that they are. */
export const credentialHeader = 'x-internal-credential';

/** Whether what a caller gave is the service credential; takes as long wherever it differs. */
export function isCredential(given: string | string[] | undefined, expected: string): boolean {
  const [bytes, expectedBytes] = [Buffer.from(String(given ?? '')), Buffer.from(expected)];
  return bytes.length === expectedBytes.length && timingSafeEqual(bytes, expectedBytes);
}
