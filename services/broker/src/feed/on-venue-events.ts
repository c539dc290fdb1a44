import type { FeedEvent } from '@queue-manager/contracts/broker';
import type { EventOf } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { type Handlers, PermanentFailure } from '@queue-manager/events/consume';
import { venueFeed } from '@queue-manager/events/topology';
import { isProblem } from '@queue-manager/service-kit/problems';
import type { MessageStore } from '../store/message-store.ts';

/** Publishes events to the queue of their venue, each once within a day, and deletes the messages of deleted venues. */
export function onVenueEvents({ store }: { store: MessageStore }): Handlers {
  const publish = async (event: LineEvent) => {
    try {
      await store.publish({
        venueId: event.data.venueId,
        body: JSON.stringify(feedEvent(event)),
        idempotency: { caller: 'feed', key: event.id },
        isKeyCounted: false,
      });
    } catch (error) {
      if (!isProblem(error, 'backlog-full')) throw error;
      // Until an operator sends it again, after the venue's programs have made room.
      throw new PermanentFailure(error.message, { cause: error });
    }
  };
  return {
    ...Object.fromEntries(venueFeed.types.map((type) => [type, publish])),
    'venue.deleted': ({ data }: EventOf<'venue.deleted'>) => store.drop(data.venueId),
  };
}

/** The event without what other programs of the venue must not learn: who on the staff did it. */
function feedEvent({ id, type, time, data }: LineEvent): FeedEvent {
  const party = 'party' in data ? data : undefined;
  const queue = 'queue' in data ? data.queue : null;
  const { partyId = null, ...partyAfter } = party?.party ?? {};
  return {
    id,
    seq: party?.party.seq ?? queue?.seq ?? 0,
    type,
    time,
    queueId: data.queueId,
    actor: data.actor.kind,
    partyId,
    previousState: party?.previousState ?? null,
    previousSize: party?.previousSize ?? null,
    position: party?.position ?? null,
    override: party?.override ?? false,
    undone: party?.undone ?? null,
    party: party === undefined ? null : (partyAfter as FeedEvent['party']),
    queue,
  };
}
