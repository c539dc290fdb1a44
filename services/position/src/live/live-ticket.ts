import { liveTicket } from '@queue-manager/contracts/live';
import { type Lane, lanes } from '@queue-manager/contracts/parties';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { positionOf } from '../reads/position-of.ts';
import { type EventStream, eventOf } from './event-streams.ts';
import type { WatchedParty } from './line-watch.ts';

/** A stream that gave way to newer ones of its ticket comes back late: it may be the one that lives. */
const comeBackMs = 30_000;
/** While nobody moves, an estimate is told anew when it is this old, or has become another. */
const estimateMsMax = 60_000;
const estimateShareMax = 0.1;

export const livePositionOfTicket = ({ tickets, clock, estimates, live }: Deps) =>
  route(liveTicket, async ({ params }, reply) => {
    const subject = tickets.read(params.ticket);
    if (subject === null) throw problems.notFound();

    let stream: EventStream | undefined;
    let isSkipped = false;
    let isEnded = false;
    let toldP50: number | null = null;
    let toldAt = 0;

    const position = () => {
      const { state, place, ahead, waiting, seq } = watched.standing;
      const isWaiting = ahead >= 0;
      const lane = isWaiting ? (lanes[Number(place[0])] as Lane) : null;
      return positionOf(
        { state, ahead: isWaiting ? ahead : null, lane, waiting, seq },
        estimates.atHand(subject.queueId),
        clock.now(),
      );
    };
    const event = (told = position()) => {
      toldP50 = told.estimate?.p50 ?? null;
      toldAt = performance.now();
      return eventOf('position', JSON.stringify(told));
    };
    const tell = () => {
      if (stream === undefined) return;
      // Whoever reads slowly is told the latest, once there is room for it.
      isSkipped = !stream.isDrained;
      if (!isSkipped) stream.send(event());
    };
    const end = (afterMs?: number) => {
      isEnded = true;
      stream?.end(afterMs);
    };

    const claim = await live.ticketStreams.claim(subject, () => end(comeBackMs));
    let watched: WatchedParty;
    try {
      const found = await live.watch.watchParty(subject, {
        onPosition: tell,
        onGone: end,
      });
      if (found === null) throw problems.notFound();
      watched = found;
      // Behind it, since a line that Redis had lost is there now.
      await estimates.prepare(subject.queueId);
    } catch (error) {
      claim.release();
      throw error;
    }

    stream = live.streams.open(reply, {
      first: event(),
      onDrained() {
        if (isSkipped) tell();
      },
      onBeat() {
        const { estimate } = position();
        if (estimate === null) return false;
        const isOld = performance.now() - toldAt > estimateMsMax;
        const isAnother =
          toldP50 !== null && Math.abs(estimate.p50 - toldP50) > estimateShareMax * toldP50;
        if (isOld || isAnother) tell();
        return isOld || isAnother;
      },
      onClosed() {
        watched.stop();
        claim.release();
      },
    });
    if (isEnded) stream.end();
    return reply;
  });
