import { liveTicket } from '@queue-manager/contracts/live';
import { type Lane, lanes } from '@queue-manager/contracts/parties';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { positionOf } from '../reads/position-of.ts';
import { type EventStream, eventOf } from './event-streams.ts';
import type { WatchedParty } from './line-watch.ts';
import type { LiveDeps } from './live.ts';

/** An evicted stream may still have a live client, which reconnects after this. */
const evictedRetryMs = 30_000;
/** Without other changes, an estimate is sent again when it is this old, or has changed by this share. */
const estimateMsMax = 60_000;
const estimateShareMax = 0.1;

export const livePositionOfTicket = ({ tickets, clock, estimates, live }: LiveDeps) =>
  route(liveTicket, async ({ params }, reply) => {
    const subject = tickets.read(params.ticket);
    if (subject === null) throw problems.notFound();

    let stream: EventStream | undefined;
    let isSkipped = false;
    let isEnded = false;
    let sentP50: number | null = null;
    let sentAt = 0;

    const position = () => {
      const { state, place, size, ahead, waiting, seq } = watched.standing;
      const isWaiting = ahead >= 0;
      const lane = isWaiting ? (lanes[Number(place[0])] as Lane) : null;
      return positionOf(
        { state, ahead: isWaiting ? ahead : null, lane, size, waiting, seq },
        estimates.cached(subject.queueId),
        clock.now(),
      );
    };
    const nextEvent = () => {
      const sent = position();
      sentP50 = sent.estimate?.p50 ?? null;
      sentAt = performance.now();
      return eventOf('position', JSON.stringify(sent));
    };
    const send = () => {
      if (stream === undefined) return;
      // Slow readers skip updates, and get the latest one when they have caught up.
      isSkipped = !stream.isDrained;
      if (!isSkipped) stream.send(nextEvent());
    };
    const end = (retryAfterMs?: number) => {
      isEnded = true;
      stream?.end(retryAfterMs);
    };

    const claim = await live.ticketStreams.claim(subject, () => end(evictedRetryMs));
    let watched: WatchedParty;
    try {
      const found = await live.watch.watchParty(subject, {
        onPosition: send,
        onGone: end,
      });
      if (found === null) throw problems.notFound();
      watched = found;
      // After the watch, which has rebuilt the projection if Redis had lost it.
      await estimates.prepare(subject.queueId);
    } catch (error) {
      claim.release();
      throw error;
    }

    stream = live.streams.open(reply, {
      first: nextEvent(),
      onDrained() {
        if (isSkipped) send();
      },
      onBeat() {
        const { estimate } = position();
        if (estimate === null) return false;
        const isOld = performance.now() - sentAt > estimateMsMax;
        const hasChanged =
          sentP50 !== null && Math.abs(estimate.p50 - sentP50) > estimateShareMax * sentP50;
        if (isOld || hasChanged) send();
        return isOld || hasChanged;
      },
      onClosed() {
        watched.stop();
        claim.release();
      },
    });
    if (isEnded) stream.end();
    return reply;
  });
