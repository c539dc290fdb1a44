import { hash } from 'node:crypto';

/** The keys of a venue's messages, in the order of `messages.lua`. Its hash tag keeps them on one node of a cluster. */
export function venueKeys(venueId: string): string[] {
  return ['meta', 'queue', 'returned', 'bodies', 'holds', 'locked', 'consumers', 'dead'].map(
    (name) => `broker:{${venueId}}:${name}`,
  );
}

/** Where the answer of an idempotent call is kept. Callers choose the parts, so they are hashed. */
export function answerKey(venueId: string, parts: readonly string[]): string {
  return `broker:{${venueId}}:answer:${hash('sha256', JSON.stringify(parts), 'base64url')}`;
}

/** The channel that tells waiting consumers of new messages. */
export function readyChannel(venueId: string): string {
  return `broker:{${venueId}}:ready`;
}
