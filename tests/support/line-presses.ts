import { confirmComing, joinQueue, leaveQueue, snooze } from '@queue-manager/contracts/guests';
import { changeOccupancy } from '@queue-manager/contracts/occupancy';
import {
  addParty,
  callNext,
  callParty,
  departParty,
  type Lane,
  moveParty,
  noShowParty,
  type PartyState,
  removeParty,
  restoreParty,
  seatParty,
  undoParty,
  updateParty,
} from '@queue-manager/contracts/parties';
import { problemTypeBase } from '@queue-manager/contracts/problems';
import { closeQueue, openQueue, pauseQueue, updateQueue } from '@queue-manager/contracts/queues';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import fc from 'fast-check';
import { type Answered, allows, type Command, type LineModel, plainMoves } from './line-model.ts';
import { call } from './system.ts';

/*
 * Random moves, the commands they become in a queue, and the API calls that execute them. A party is drawn as a number that
 * selects one of the parties present at the time of the move, so that a sequence stays valid when shrinking removes moves.
 */

const partySize = fc.integer({ min: 1, max: 6 });
const lane = fc.constantFrom<Lane>('regular', 'regular', 'regular', 'priority');
const override = fc.constantFrom(false, false, false, true);
const party = fc.nat({ max: 999 });

const joins = fc.record({
  kind: fc.constant('join' as const),
  by: fc.constantFrom('guest' as const, 'staff' as const),
  // The queue accepts parties of up to six.
  size: fc.oneof({ weight: 9, arbitrary: partySize }, { weight: 1, arbitrary: fc.constant(7) }),
  lane,
  phone: fc.option(fc.constantFrom('+351910000001', '+351910000002'), { freq: 3 }),
  // A host adds some late; a queue is as old as the night before (`ageQueue`).
  minutesAgo: fc.option(fc.integer({ min: 1, max: 90 }), { freq: 2 }),
});

const callsNext = fc.record({
  kind: fc.constant('callNext' as const),
  sizes: fc.option(
    fc.tuple(partySize, partySize).map(([one, other]) => ({
      minSize: Math.min(one, other),
      maxSize: Math.max(one, other),
    })),
    { freq: 2 },
  ),
  bounds: fc.constantFrom('both' as const, 'least' as const, 'most' as const),
  lane: fc.option(lane, { freq: 2 }),
});

const plain = fc.record({
  kind: fc.constant('plain' as const),
  move: fc.constantFrom(...plainMoves, 'seat' as const, 'restore' as const),
  party,
  // Mostly a party in a state that allows the move; sometimes one that does not.
  anyone: fc.nat({ max: 5 }).map((drawn) => drawn === 5),
  override,
});

const places = fc.record({
  kind: fc.constant('move' as const),
  party,
  position: fc.integer({ min: 1, max: 14 }),
});

const snoozes = fc.record({
  kind: fc.constant('snooze' as const),
  // Mostly the same guest, up to the limit.
  party: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: party }),
  places: fc.integer({ min: 1, max: 5 }),
  giveUpCall: fc.boolean(),
});

const resizes = fc.record({
  kind: fc.constant('resize' as const),
  party,
  size: fc.integer({ min: 1, max: 7 }),
  override,
});

const clicks = fc.record({
  kind: fc.constant('click' as const),
  delta: fc.integer({ min: -6, max: 6 }).filter((delta) => delta !== 0),
  override,
});

const undos = fc.record({
  kind: fc.constant('undo' as const),
  party,
  // Mostly one whose last change was made by staff.
  anyone: fc.nat({ max: 7 }).map((drawn) => drawn === 7),
});

const queueChanges = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      expireWaiting: fc.constantFrom(false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('limit' as const),
      maxWaiting: fc.option(fc.integer({ min: 1, max: 12 }), { freq: 2 }),
    }),
  },
);

const move = fc.oneof(
  { weight: 30, arbitrary: joins },
  { weight: 12, arbitrary: callsNext },
  { weight: 34, arbitrary: plain },
  { weight: 9, arbitrary: places },
  { weight: 8, arbitrary: snoozes },
  { weight: 5, arbitrary: resizes },
  { weight: 5, arbitrary: clicks },
  { weight: 14, arbitrary: undos },
  { weight: 4, arbitrary: queueChanges },
);

type Drawn = typeof move extends fc.Arbitrary<infer T> ? T : never;

/** Concurrent moves; a single one follows the previous. */
const step = fc.oneof(
  { weight: 4, arbitrary: move.map((drawn) => [drawn]) },
  { weight: 1, arbitrary: fc.array(move, { minLength: 2, maxLength: 5, size: 'max' }) },
);

/** Starts with a few joins, since an empty queue has few moves. */
export const nights = fc.tuple(
  fc.array(joins, { minLength: 2, maxLength: 6, size: 'max' }),
  fc.array(step, { minLength: 10, maxLength: 24, size: 'max' }),
);
export type Night = typeof nights extends fc.Arbitrary<infer T> ? T : never;

/** The command of a random move in this queue; null when no party fits. */
export function commandOf(drawn: Drawn, model: LineModel): Command | null {
  const everyone = [...model.parties.keys()];
  const pick = (ids: readonly string[], nth: number) => ids[nth % ids.length];
  // Mostly a waiting party, since only those can be moved.
  const waiting = (nth: number) =>
    nth % 7 === 6
      ? pick(everyone, nth)
      : pick(
          model.waiting().map(({ id }) => id),
          nth,
        );
  switch (drawn.kind) {
    case 'join': {
      const { minutesAgo, ...join } = drawn;
      // Guests join the regular lane, now.
      if (join.by === 'guest') return { ...join, lane: 'regular' };
      if (minutesAgo === null) return join;
      return { ...join, joinedAt: new Date(Date.now() - minutesAgo * 60_000).toISOString() };
    }
    case 'callNext': {
      const { sizes, bounds, lane } = drawn;
      return {
        kind: 'callNext',
        ...(sizes === null || bounds === 'most' ? {} : { minSize: sizes.minSize }),
        ...(sizes === null || bounds === 'least' ? {} : { maxSize: sizes.maxSize }),
        ...(lane === null ? {} : { lane }),
      };
    }
    case 'plain': {
      const able = everyone.filter((id) => allows(drawn.move, model.party(id).state));
      const partyId = pick(drawn.anyone || able.length === 0 ? everyone : able, drawn.party);
      const mayOverride = drawn.override && drawn.move === 'seat';
      return partyId === undefined
        ? null
        : { kind: drawn.move, partyId, ...(mayOverride ? { override: true } : {}) };
    }
    case 'move': {
      const partyId = waiting(drawn.party);
      return partyId === undefined ? null : { kind: 'move', partyId, position: drawn.position };
    }
    case 'snooze': {
      // In the order of joining, which a snooze does not change.
      const { places, giveUpCall } = drawn;
      const inState = (state: PartyState) =>
        everyone.filter((id) => model.party(id).state === state);
      const able = [...(giveUpCall ? inState('called') : []), ...inState('waiting')];
      const partyId = pick(drawn.party % 7 === 6 ? everyone : able, drawn.party);
      return partyId === undefined ? null : { kind: 'snooze', partyId, places, giveUpCall };
    }
    case 'undo': {
      const able = everyone.filter((id) => model.party(id).undo !== null);
      const partyId = pick(drawn.anyone || able.length === 0 ? everyone : able, drawn.party);
      return partyId === undefined
        ? null
        : { kind: 'undo', partyId, seq: model.party(partyId).seq };
    }
    case 'resize': {
      const partyId = pick(everyone, drawn.party);
      return partyId === undefined
        ? null
        : {
            kind: 'resize',
            partyId,
            size: drawn.size,
            ...(drawn.override ? { override: true } : {}),
          };
    }
    default:
      return drawn;
  }
}

/** A queue behind the gateway, and its callers. */
export type Pressed = {
  token: string;
  venueId: string;
  queueId: string;
  joinCode: string;
  /** The ticket of each party. */
  tickets: Map<string, string>;
};

const why = 'As the night went';
const overriding = ({ override }: { override?: boolean }) =>
  override === true ? { override: true, reason: why } : {};

/** Makes the API call of a command. */
export async function press(line: Pressed, command: Command): Promise<Answered> {
  const { token, venueId, queueId, joinCode, tickets } = line;
  const staff = (partyId: string) => ({ token, params: { partyId } });
  const guest = (partyId: string) => ({ params: { ticket: tickets.get(partyId) ?? '' } });
  const ofQueue = { token, params: { queueId } };
  switch (command.kind) {
    case 'join': {
      const { kind: _, by, lane, ...rest } = command;
      const body = { name: 'Ana Lima', ...rest };
      const answer =
        by === 'guest'
          ? answered(command, await call(joinQueue, { params: { joinCode }, body }))
          : answered(command, await call(addParty, { ...ofQueue, body: { ...body, lane } }));
      if (answer.answer.ok) {
        const ticket = String(answer.answer.body.ticket);
        const id = partyOf(ticket);
        tickets.set(id, ticket);
        answer.answer.body.id = id;
      }
      return answer;
    }
    case 'callNext': {
      const { kind: _, ...body } = command;
      return answered(command, await call(callNext, { ...ofQueue, body }));
    }
    case 'confirm':
      return answered(command, await call(confirmComing, guest(command.partyId)));
    case 'leave':
      return answered(command, await call(leaveQueue, guest(command.partyId)));
    case 'snooze': {
      const { places, giveUpCall } = command;
      const body = { places, giveUpCall };
      return answered(command, await call(snooze, { ...guest(command.partyId), body }));
    }
    case 'move': {
      const body = { position: command.position, reason: why };
      return answered(command, await call(moveParty, { ...staff(command.partyId), body }));
    }
    case 'resize': {
      const body = { size: command.size, ...overriding(command) };
      return answered(command, await call(updateParty, { ...staff(command.partyId), body }));
    }
    case 'undo': {
      const body = { seq: command.seq };
      return answered(command, await call(undoParty, { ...staff(command.partyId), body }));
    }
    case 'click': {
      const body = { delta: command.delta, ...overriding(command) };
      return answered(command, await call(changeOccupancy, { token, params: { venueId }, body }));
    }
    case 'seat': {
      const body = overriding(command);
      return answered(command, await call(seatParty, { ...staff(command.partyId), body }));
    }
    case 'open':
      return answered(command, await call(openQueue, ofQueue));
    case 'pause':
      return answered(command, await call(pauseQueue, ofQueue));
    case 'close': {
      const body = { expireWaiting: command.expireWaiting };
      return answered(command, await call(closeQueue, { ...ofQueue, body }));
    }
    case 'limit': {
      const body = { maxWaiting: command.maxWaiting };
      return answered(command, await call(updateQueue, { ...ofQueue, body }));
    }
    default: {
      const route = {
        call: callParty,
        depart: departParty,
        noShow: noShowParty,
        remove: removeParty,
        restore: restoreParty,
      }[command.kind];
      return answered(command, await call(route, staff(command.partyId)));
    }
  }
}

function answered(
  command: Command,
  answer: Awaited<ReturnType<typeof call>> | { ok: true; body: object },
): Answered {
  if (answer.ok) return { command, answer: { ok: true, body: { ...(answer.body as object) } } };
  const code = answer.problem?.type.slice(problemTypeBase.length) ?? '';
  if (answer.status >= 500 || code === 'too-many-requests' || code === '') {
    throw new Error(`${JSON.stringify(command)} was answered ${answer.status} ${code}`);
  }
  return { command, answer: { ok: false, code } };
}

/** The party id in a ticket: the second 16 bytes after the key's number. */
function partyOf(ticket: string): string {
  return bytesToUuid(Buffer.from(ticket, 'base64url').subarray(17, 33));
}
