import type { Answer } from '@queue-manager/client/client';
import type { Kept } from '@queue-manager/ui/kept';

/*
 * One press of the button makes one party, even if its answer is lost or the page is loaded again meanwhile: the attempt
 * has one idempotency key, kept until it is answered.
 */

export type JoinBody = {
  name: string;
  size: number;
  email: string | null;
  phone: string | null;
  locale: string;
};

export type Attempt = { key: string; body: JoinBody; at: number };

export type Attempts = {
  /** The attempt that has no answer yet. */
  pending(): Attempt | null;
  /** Sends until there is an answer. */
  join(body: JoinBody): Promise<Answer<'joinQueue'>>;
};

type Host = {
  call(attempt: Pick<Attempt, 'key' | 'body'>): Promise<Answer<'joinQueue'>>;
  newKey(): string;
  now(): number;
  /** Waits before the next try; shorter if the network comes back. */
  pause(ms: number): Promise<void>;
  /** There was no answer; it is sent again. */
  onLost(): void;
};

/** How long the server keeps the answers of idempotency keys. */
const keepMs = 24 * 60 * 60 * 1_000;
/** A page that is loaded again this soon goes on with the attempt by itself. */
const resumeMs = 10 * 60 * 1_000;
const retryMs = 1_000;
const retryMsMax = 15_000;

export function createAttempts(kept: Kept, joinCode: string, host: Host): Attempts {
  const name = `attempt:${joinCode}`;

  function pending(): Attempt | null {
    const attempt = kept.get<Attempt>(name);
    return attempt !== null && Math.abs(host.now() - attempt.at) < keepMs ? attempt : null;
  }

  async function send(attempt: Attempt): Promise<Answer<'joinQueue'>> {
    for (let tries = 0; ; tries += 1) {
      const answer = await host.call(attempt).catch(() => null);
      if (answer !== null && isFinal(answer.status)) return answer;
      host.onLost();
      const seconds = Number(answer?.headers.get('retry-after') ?? 0);
      await host.pause(Math.max(seconds * 1_000, Math.min(retryMs * 2 ** tries, retryMsMax)));
    }
  }

  return {
    pending,
    async join(body) {
      const earlier = pending();
      const attempt = { key: earlier?.key ?? host.newKey(), body, at: host.now() };
      if (earlier === null) kept.set(name, attempt);
      let answer = await send(attempt);
      // The earlier one was received, with what was written then: its answer is the one to have.
      if (answer.status === 422 && earlier !== null) answer = await send(earlier);
      kept.remove(name);
      return answer;
    },
  };
}

/** Whether a page that is loaded now goes on with an attempt by itself: its guest still waits for the answer. */
export function isFresh({ at }: Attempt, now: number): boolean {
  return Math.abs(now - at) < resumeMs;
}

/** Other answers say nothing about whether the party has joined. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 429;
}
