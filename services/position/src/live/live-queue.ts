import { getRole } from '@queue-manager/contracts/internal';
import { liveQueue } from '@queue-manager/contracts/live';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { Live } from './live.ts';

/** Streams of one account at this process; a person has a few screens, a program that leaks streams has many. */
export const streamsOfAccountMax = 20;
const retryAfterSeconds = 30;
const usualMembershipCheckMs = 60_000;

export type LiveQueueDeps = {
  live: Live;
  queueService: InternalClient;
  clock: Clock;
  logger: Logger;
  /** 60 s by default. */
  membershipCheckMs?: number | undefined;
};

export const liveQueueForStaff = (deps: LiveQueueDeps) => {
  const { live, queueService, clock, logger } = deps;
  const { membershipCheckMs = usualMembershipCheckMs } = deps;
  const streamsOf = new Map<string, number>();

  async function isMember(queueId: string, userId: string): Promise<boolean> {
    const { role } = await queueService.call(getRole, { params: { queueId, userId } });
    return role !== null;
  }

  /** Counts a stream of an account; gives the function that ends that, once. */
  function count(userId: string): () => void {
    const open = streamsOf.get(userId) ?? 0;
    if (open >= streamsOfAccountMax) {
      throw problems.tooManyRequests({
        detail: `At most ${streamsOfAccountMax} streams at once; close one.`,
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

  return route(liveQueue, async (request, reply) => {
    // An id may be written in capitals; the line is one.
    const queueId = request.params.queueId.toLowerCase();
    const { sub: userId, exp } = request.claims;
    if (!(await isMember(queueId, userId))) throw problems.notFound();
    const uncount = count(userId);
    try {
      const following = await live.lineEvents.follow(queueId, lastEventId(request.headers));
      if (following === null) throw problems.notFound();

      const checking = setInterval(() => {
        runInContext({}, () => isMember(queueId, userId)).then(
          (isStill) => {
            if (!isStill) stream.end();
          },
          // Who may be a member still loses nothing: while the queue service is away nothing is told either.
          (error: unknown) =>
            logger.warn({ err: error, queueId }, 'a membership is not checked yet'),
        );
      }, membershipCheckMs);
      checking.unref();
      const expiring = setTimeout(() => stream.end(), exp * 1_000 - clock.now().getTime());
      expiring.unref();

      const stream = live.streams.open(reply, {
        first: `id: ${following.seq}\n\n`,
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
  });
};

/** The event that a stream is to go on behind; null when it names none. */
function lastEventId(headers: Record<string, string | string[] | undefined>): number | null {
  const given = headers['last-event-id'];
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : null;
}
