import type { AccessTokenClaims } from '@queue-manager/contracts/tokens';
import { problems } from '@queue-manager/service-kit/problems';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { FastifyReply } from 'fastify';
import type { Following } from './line-events.ts';
import type { LiveDeps } from './live.ts';

/** Streams per account and process: enough for a person's screens, a limit for a program that leaks streams. */
export const streamsOfAccountMax = 20;
const retryAfterSeconds = 30;
const defaultMembershipCheckMs = 60_000;

export type StaffStreams = {
  /**
   * Opens a stream for a member of a venue. It ends with the access token, and when the membership ends. Throws
   * `not-found` if the caller is no member or `follow` finds nothing, `too-many-requests` if the account has the maximum.
   */
  open(
    reply: FastifyReply,
    options: {
      claims: Pick<AccessTokenClaims, 'sub' | 'exp'>;
      isMember: () => Promise<boolean>;
      follow: () => Promise<Following | null>;
    },
  ): Promise<FastifyReply>;
};

/** The streams of staff, which share one limit per account. */
export function createStaffStreams(deps: LiveDeps): StaffStreams {
  const { live, clock, logger, membershipCheckMs = defaultMembershipCheckMs } = deps;
  const streamsOf = new Map<string, number>();

  /** Counts a stream of an account; returns a function that uncounts it, at most once. */
  function count(userId: string): () => void {
    const open = streamsOf.get(userId) ?? 0;
    if (open >= streamsOfAccountMax) {
      throw problems.tooManyRequests({
        detail: `You can have up to ${streamsOfAccountMax} live streams open. Close one first.`,
        retryAfterSeconds,
      });
    }
    streamsOf.set(userId, open + 1);
    let isCounted = true;
    return () => {
      if (!isCounted) return;
      isCounted = false;
      const left = (streamsOf.get(userId) ?? 1) - 1;
      if (left === 0) streamsOf.delete(userId);
      else streamsOf.set(userId, left);
    };
  }

  return {
    async open(reply, { claims, isMember, follow }) {
      if (!(await isMember())) throw problems.notFound();
      const uncount = count(claims.sub);
      try {
        const following = await follow();
        if (following === null) throw problems.notFound();

        const checking = setInterval(() => {
          runInContext({}, isMember).then(
            (isStill) => {
              if (!isStill) stream.end();
            },
            // Keep the stream: while the queue service is unavailable it sends nothing anyway.
            (error: unknown) => logger.warn({ err: error }, 'cannot check a membership yet'),
          );
        }, membershipCheckMs);
        checking.unref();
        const expiring = setTimeout(() => stream.end(), claims.exp * 1_000 - clock.now().getTime());
        expiring.unref();

        const stream = live.streams.open(reply, {
          first: following.first,
          onDrained: following.resume,
          onClosed() {
            clearInterval(checking);
            clearTimeout(expiring);
            following.stop();
            uncount();
          },
        });
        following.begin({
          isReady: () => stream.isDrained,
          write: (event) => stream.send(event),
          end: () => stream.end(),
        });
        return reply;
      } catch (error) {
        uncount();
        throw error;
      }
    },
  };
}
