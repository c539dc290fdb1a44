import { getRole } from '@queue-manager/contracts/internal';
import { liveQueue } from '@queue-manager/contracts/live';
import { problems } from '@queue-manager/service-kit/problems';
import { runInContext } from '@queue-manager/service-kit/request-context';
import { route } from '@queue-manager/service-kit/route';
import type { LiveDeps } from './live.ts';

/** Streams per account and process: enough for a person's screens, a limit for a program that leaks streams. */
export const streamsOfAccountMax = 20;
const retryAfterSeconds = 30;
const defaultMembershipCheckMs = 60_000;

export const liveQueueForStaff = (deps: LiveDeps) => {
  const { live, queueService, clock, logger } = deps;
  const { membershipCheckMs = defaultMembershipCheckMs } = deps;
  const streamsOf = new Map<string, number>();

  async function isMember(queueId: string, userId: string): Promise<boolean> {
    const { role } = await queueService.call(getRole, { params: { queueId, userId } });
    return role !== null;
  }

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

  return route(liveQueue, async (request, reply) => {
    // Ids are case-insensitive.
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
          // Keep the stream: while the queue service is unavailable it sends nothing anyway.
          (error: unknown) => logger.warn({ err: error, queueId }, 'cannot check a membership yet'),
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

/** The event after which the stream resumes; null if the client names none. */
function lastEventId(headers: Record<string, string | string[] | undefined>): number | null {
  const value = headers['last-event-id'];
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
