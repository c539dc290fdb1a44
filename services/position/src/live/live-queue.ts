import { getRole } from '@queue-manager/contracts/internal';
import { liveQueue } from '@queue-manager/contracts/live';
import { route } from '@queue-manager/service-kit/route';
import type { LiveDeps } from './live.ts';
import type { StaffStreams } from './staff-streams.ts';

export const liveQueueForStaff = ({ live, queueService }: LiveDeps, staffStreams: StaffStreams) =>
  route(liveQueue, ({ params, claims, headers }, reply) => {
    // Ids are case-insensitive.
    const queueId = params.queueId.toLowerCase();
    return staffStreams.open(reply, {
      claims,
      async isMember() {
        const { role } = await queueService.call(getRole, {
          params: { queueId, userId: claims.sub },
        });
        return role !== null;
      },
      follow: () => live.lineEvents.follow(queueId, lastEventId(headers)),
    });
  });

/** The event after which the stream resumes; null if the client names none. */
function lastEventId(headers: Record<string, string | string[] | undefined>): number | null {
  const value = headers['last-event-id'];
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
