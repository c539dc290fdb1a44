import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Lane } from '@queue-manager/contracts/parties';
import { createQueue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { randomOf } from '@queue-manager/load/random';
import { openAccount, type TestAccount } from './accounts.ts';
import {
  type Answered,
  allows,
  type Command,
  differenceOf,
  LineModel,
  type Moment,
  type Recorded,
} from './line-model.ts';
import { type Pressed, press } from './line-presses.ts';
import { assertAgreement, openTruth } from './line-truth.ts';
import { enlist } from './members.ts';
import { succeed } from './system.ts';

const hostCount = 50;
const guestCount = 10;
const hiringAtOnce = 10;
const capacity = 100;
const maxPartySize = 8;
/** Approximate number waiting: guests leave when there are more. */
const waitingAbout = 60;
/** Parties that left longer ago are not moved any more. */
const rememberedParties = 150;
/** Each of these must succeed at least once, on a machine of any speed. */
const needed = ['join', 'leave', 'callNext', 'seat', 'noShow', 'restore', 'move'] as const;

/** One request: its command, its answer, and the range of queue states it may have seen. */
type Press = Answered & {
  /** Sequence numbers: the least that was recorded at the request, and the most at the answer. */
  from: number;
  to: number;
};

/**
 * Fifty hosts make random moves in one queue for some seconds, while guests join and leave. Nothing may fail, and the
 * recorded events must match the model one by one, with every answer and refusal.
 */
export async function surviveFiftyHosts(test: TestContext, seconds: number): Promise<void> {
  const truth = openTruth();
  try {
    const { line, hosts } = await openLine();
    const opened = (await truth.events(line.queueId)).length;
    const presses = await pressAll(line, hosts, opened, seconds);

    const events = await truth.events(line.queueId);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
      'sequence numbers without a gap',
    );
    const model = new LineModel({ capacity, maxPartySize, seq: opened });
    replay(model, events.slice(opened), presses);
    await assertAgreement(truth, line, model);
    test.diagnostic(summaryOf(presses, events.length, seconds));
  } finally {
    await truth.close();
  }
}

/** A queue of a new venue with an owner and hosts, each a separate account. */
async function openLine(): Promise<{ line: Pressed; hosts: TestAccount[] }> {
  const owner = await openAccount();
  const { token } = owner;
  const venue = await succeed(createVenue, {
    token,
    body: { name: 'Fifty Hosts', timezone: 'Europe/Lisbon', capacity },
  });
  const queue = await succeed(createQueue, {
    token,
    params: { venueId: venue.id },
    // No call expires by itself.
    body: { name: 'Tables', maxPartySize, callGraceSeconds: 24 * 60 * 60 },
  });
  const hosts: TestAccount[] = [];
  let left = hostCount;
  const hire = async () => {
    while (left-- > 0) {
      const host = await openAccount({ name: 'Hugo Host' });
      await enlist(owner, venue, host, 'host');
      hosts.push(host);
    }
  };
  await Promise.all(Array.from({ length: hiringAtOnce }, hire));
  const { id: queueId, joinCode } = queue;
  return { line: { token, venueId: venue.id, queueId, joinCode, tickets: new Map() }, hosts };
}

/** All actors make sequential requests until the time is over and each kind has succeeded. */
async function pressAll(
  line: Pressed,
  hosts: readonly TestAccount[],
  opened: number,
  seconds: number,
): Promise<Press[]> {
  const presses: Press[] = [];
  /** The last known state of each party from answers; concurrent changes by others are unknown. */
  const known = new Map<string, { seq: number; state: string }>();
  const done = new Set<string>();
  const pressing = hosts.length + guestCount;
  const until = Date.now() + seconds * 1_000;
  let seq = opened;
  let changes = 0;
  let failed = false;
  const isOver = () => failed || (Date.now() > until && needed.every((kind) => done.has(kind)));

  async function run(token: string, choose: () => Command | null): Promise<void> {
    while (!isOver()) {
      const command = choose() ?? joinOf(token === '' ? 'guest' : 'staff');
      const from = seq;
      const answered = await press({ ...line, token }, command).catch((error) => {
        failed = true;
        throw error;
      });
      if (answered.answer.ok) note(command, answered.answer.body);
      // Besides the answered changes, each other actor may have made one that is not answered yet.
      presses.push({ ...answered, from, to: opened + changes + pressing });
    }
  }

  function note(command: Command, body: Record<string, unknown>): void {
    changes += 1;
    done.add(command.kind);
    const id = String(body.id ?? ('partyId' in command ? command.partyId : ''));
    const last = known.get(id);
    // Guests' answers have fewer fields: the last request of a guest is known.
    const told = typeof body.seq === 'number' ? body.seq : (last?.seq ?? 0);
    if (last !== undefined && told < last.seq) return;
    known.delete(id);
    known.set(id, { seq: told, state: String(body.state ?? 'waiting') });
    seq = Math.max(seq, told);
  }

  const random = randomOf(String(Math.random()));
  const one = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const partyIn = (...states: string[]) => {
    const recent = [...known].slice(-rememberedParties);
    // Sometimes any party, whatever its state.
    const able = random() < 0.1 ? recent : recent.filter(([, { state }]) => states.includes(state));
    return one(able)?.[0];
  };
  const waiting = () => [...known.values()].filter(({ state }) => state === 'waiting').length;

  const joinOf = (by: 'staff' | 'guest'): Command => ({
    kind: 'join',
    by,
    size: upTo(maxPartySize),
    lane: by === 'staff' && random() < 0.3 ? 'priority' : 'regular',
    phone: null,
  });
  const callNext = (): Command => {
    const lane: Lane | undefined = one([undefined, undefined, 'priority', 'regular'] as const);
    const size = one([{}, {}, { minSize: upTo(8) }, { maxSize: upTo(8) }] as const);
    return { kind: 'callNext', ...size, ...(lane === undefined ? {} : { lane }) };
  };
  const ofParty = (partyId: string | undefined, give: (partyId: string) => Command) =>
    partyId === undefined ? null : give(partyId);
  const chooseAsHost = (): Command | null => {
    const drawn = random();
    if (drawn < 0.25) return callNext();
    if (drawn < 0.45) {
      return ofParty(partyIn('called', 'waiting'), (partyId) => ({ kind: 'seat', partyId }));
    }
    if (drawn < 0.55) {
      return ofParty(partyIn('called'), (partyId) => ({ kind: 'noShow', partyId }));
    }
    if (drawn < 0.7) {
      const ended = ['called', 'seated', 'departed', 'no_show', 'left'];
      return ofParty(partyIn(...ended), (partyId) => ({ kind: 'restore', partyId }));
    }
    if (drawn < 0.88) {
      const position = upTo(waitingAbout);
      return ofParty(partyIn('waiting'), (partyId) => ({ kind: 'move', partyId, position }));
    }
    return ofParty(partyIn('seated'), (partyId) => ({ kind: 'depart', partyId }));
  };
  const chooseAsGuest = (): Command | null => {
    const drawn = random();
    if (drawn < 0.1) {
      const places = upTo(10);
      const giveUpCall = random() < 0.5;
      return ofParty(partyIn(giveUpCall ? 'called' : 'waiting'), (partyId) => ({
        kind: 'snooze',
        partyId,
        places,
        giveUpCall,
      }));
    }
    if (drawn < 0.2) {
      return ofParty(partyIn('called'), (partyId) => ({ kind: 'confirm', partyId }));
    }
    return waiting() > waitingAbout || drawn < 0.35
      ? ofParty(partyIn('waiting', 'called'), (partyId) => ({ kind: 'leave', partyId }))
      : joinOf('guest');
  };

  await Promise.all([
    ...hosts.map(({ token }) => run(token, chooseAsHost)),
    ...Array.from({ length: guestCount }, () => run('', chooseAsGuest)),
  ]);
  return presses;
}

const nobody: Moment = { waiting: [], called: [] };

/** Replays the recorded events in the model, and checks each request against the queue at that time. */
function replay(model: LineModel, events: readonly Recorded[], presses: readonly Press[]): void {
  /** The line, the occupancy and each party's state at each sequence number. */
  const lines = new Map<number, Moment>([[model.seq, model.moment()]]);
  const people = new Map<number, number>([[model.seq, model.occupancy]]);
  const states = new Map<string, { seq: number; state: string }[]>();

  const done = presses.filter(({ answer }) => answer.ok);
  // Answers to staff have the sequence number of the change; a guest's moves are found by party.
  const bySeq = new Map<unknown, Press>();
  const byGuest = new Map<string, Press[]>();
  for (const one of done) {
    const { command, answer } = one;
    if (!answer.ok) continue;
    if ('seq' in answer.body) {
      bySeq.set(answer.body.seq, one);
      continue;
    }
    const id = 'partyId' in command ? command.partyId : answer.body.id;
    const key = `${command.kind} ${id}`;
    byGuest.set(key, [...(byGuest.get(key) ?? []), one]);
  }
  const kinds: Record<string, string> = {
    'party.joined': 'join',
    'party.moved': 'snooze',
    'party.confirmed': 'confirm',
    'party.left': 'leave',
  };

  for (const event of events) {
    const asked = bySeq.get(event.seq);
    const key = `${kinds[event.type]} ${event.partyId}`;
    const candidates = asked === undefined ? (byGuest.get(key) ?? []) : [asked];
    const reasons: string[] = [];
    const match = candidates.find((one) => {
      const moments = Array.from(
        { length: Math.max(0, event.seq - one.from) },
        (_, index) => lines.get(one.from + index) ?? nobody,
      );
      const why = differenceOf(one, model.apply(one.command, [event], moments));
      if (why !== null) reasons.push(`${JSON.stringify(one)}: ${why}`);
      return why === null;
    });
    assert.ok(
      match,
      `${JSON.stringify(event)} is not what was asked for: ${reasons.join('; ') || 'by nobody'}`,
    );
    if (asked === undefined) {
      byGuest.set(
        key,
        candidates.filter((one) => one !== match),
      );
    }
    lines.set(event.seq, model.moment());
    people.set(event.seq, model.occupancy);
    if (event.partyId !== null) {
      const { state } = model.party(event.partyId);
      const of = states.get(event.partyId) ?? [];
      of.push({ seq: event.seq, state });
      states.set(event.partyId, of);
    }
  }

  const last = events.at(-1)?.seq ?? 0;
  for (const one of presses) {
    if (one.answer.ok) continue;
    const moments = Array.from(
      { length: Math.min(one.to, last) - one.from + 1 },
      (_, index) => one.from + index,
    );
    assert.ok(
      moments.some((seq) => isRefused(one, seq)),
      `${JSON.stringify(one)} was refused for no reason`,
    );
  }

  function stateAt(partyId: string, seq: number) {
    return states.get(partyId)?.findLast((entry) => entry.seq <= seq)?.state;
  }

  function isRefused({ command, answer }: Press, seq: number): boolean {
    if (answer.ok) return false;
    const state = 'partyId' in command ? stateAt(command.partyId, seq) : undefined;
    switch (answer.code) {
      case 'nobody-waiting': {
        const {
          minSize = 1,
          maxSize = maxPartySize,
          lane,
        } = command as { minSize?: number } & {
          maxSize?: number;
          lane?: Lane;
        };
        return !(lines.get(seq) ?? nobody).waiting.some(({ id, lane: stands }) => {
          const { size } = model.party(id);
          return size >= minSize && size <= maxSize && (lane === undefined || lane === stands);
        });
      }
      case 'venue-full':
        return (
          'partyId' in command &&
          (people.get(seq) ?? 0) + model.party(command.partyId).size > capacity
        );
      case 'invalid-transition':
        return command.kind === 'move' || command.kind === 'snooze'
          ? state !== 'waiting' &&
              !(state === 'called' && command.kind === 'snooze' && command.giveUpCall)
          : !allows(command.kind as Parameters<typeof allows>[0], state as never);
      case 'snooze-limit-reached':
        return 'partyId' in command && model.party(command.partyId).snoozes >= 3;
      default:
        return false;
    }
  }
}

function summaryOf(presses: readonly Press[], events: number, seconds: number): string {
  const counts = new Map<string, number>();
  for (const { command, answer } of presses) {
    const said = `${command.kind} ${answer.ok ? 'done' : answer.code}`;
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  const listed = [...counts].sort().map(([said, count]) => `${count} ${said}`);
  return `${presses.length} presses in ${seconds} s, ${events} events: ${listed.join(', ')}`;
}
