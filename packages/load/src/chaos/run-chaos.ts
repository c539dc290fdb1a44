import { setTimeout as delay } from 'node:timers/promises';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { everyMail } from '@queue-manager/local-stack/inbox';
import { services } from '@queue-manager/local-stack/system/services';
import type { System } from '@queue-manager/local-stack/system/system';
import { createCaller, type Retries, succeed } from '../callers/retrying-caller.ts';
import { openAccount } from '../callers/staff-account.ts';
import { hasFailed, replay } from '../replay/run-replay.ts';
import { fridayNight } from '../trace/friday-night.ts';
import { orderEvents } from '../trace/trace.ts';
import { checkDeadLetters } from './check-dead-letters.ts';
import { checkLines } from './check-lines.ts';
import { checkSignUps, resendMissing } from './check-sign-ups.ts';
import { checkTasks, type MailFacts } from './check-tasks.ts';
import { type ContactsApi, checkContacts } from './contacts-api.ts';
import { type Inside, lookInside } from './inside.ts';
import { killByPlan, planKills } from './kills.ts';
import {
  countViolations,
  createLedger,
  type Ledger,
  recordViolation,
  type ViolationCount,
} from './ledger.ts';
import { breakByPlan, outagesOf, planOutages } from './outages.ts';
import { followLink, playLoad } from './play-load.ts';
import { checkMessages, openProgram, playMessages } from './play-messages.ts';
import { restartInTurn } from './rolling.ts';
import { createTicketFollowers } from './ticket-followers.ts';

interface ChaosOptions {
  system: System;
  /** The system's data folder. */
  dataDir: string;
  /** Holds the shift of the services' clock; null if that cannot be shifted here. */
  clockFile: string | null;
  seed: string;
  /** Restarts the services in turn instead of killing anything; nothing may notice that but by a retry. */
  isRolling: boolean;
  durationMs: number;
  /** Event ids of the mails in the mailer's log of sent mails; grows while the system runs. */
  mailsSent: ReadonlySet<string>;
  /** The target of the system's forwarder. */
  contacts: ContactsApi;
  signal: AbortSignal;
  /** Takes one line at a time. */
  say(line: string): void;
}

export interface ChaosResult extends MailFacts {
  /** Number of kills of each store and service. */
  kills: Record<string, number>;
  /** Number of restarts of each service. */
  restarts: Record<string, number>;
  /** Guests whose streams were compared with their positions at the end. */
  followed: number;
  /** Number of outages of each name. */
  outages: Record<string, number>;
  acknowledged: {
    joins: number;
    calls: number;
    otherMoves: number;
    signUps: number;
    messages: number;
  };
  /** Moves that came too late for their party. */
  refused: number;
  retried: Retries;
  /** Messages in dead-letter queues at the end. */
  deadLetters: Record<string, number>;
  violations: ViolationCount[];
}

/** The longest and the shortest grace time: no call expires in one queue, and many do in the other. */
const graceSeconds = { patient: 24 * 60 * 60, hasty: 30 };
/** Limit for a system that never recovers; longer than any outage of the run. */
const patienceMs = 600_000;
/** Limit for a system that never becomes idle. */
const idleMsMax = 600_000;
/** The system is idle after this many checks in a row without unfinished work. */
const idleChecks = 3;
const idlePollMs = 500;

/**
 * Plays load through the gateway while killing stores and services and causing outages, waits until the system is idle,
 * and compares it with what it acknowledged.
 *
 * @throws StackError when the setup fails, or the system stays unavailable for too long.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { system, dataDir, clockFile, seed, isRolling, durationMs, signal, say } = options;
  const { gatewayUrl, mailUrl = '' } = system;
  const caller = createCaller({ gatewayUrl, signal, patienceMs, note: () => {} });
  const staff = await openAccount(caller, mailUrl, signal);
  const venue = await succeed(staff, createVenue, { body: { name: 'Chaos', timezone: 'UTC' } });
  const queues: Queue[] = [];
  for (const [name, callGraceSeconds] of Object.entries(graceSeconds)) {
    const params = { venueId: venue.id };
    queues.push(await succeed(staff, createQueue, { params, body: { name, callGraceSeconds } }));
  }

  // After the queues: their first events are not in the feed.
  const program = await openProgram(caller, staff, venue.id);

  const ledger = createLedger();
  const ending = new AbortController();
  const followers = createTicketFollowers(gatewayUrl);
  const load = Promise.all([
    playLoad({
      ...{ seed, queues, caller, staff, mailUrl, ledger, signal },
      stopping: ending.signal,
      onJoined: isRolling ? followers.follow : () => {},
    }),
    isRolling ? replayMeanwhile(options, ledger) : undefined,
  ]);
  // Awaited below; a failure before that must not end the process.
  load.catch(() => {});
  const messages = playMessages(program, { stopping: ending.signal, signal });
  messages.catch(() => {});
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1).padStart(6)} s`;
  const sayAt = (atMs: number, what: string) => say(`${seconds(atMs)}  ${what}`);
  const names = services.map(({ name }) => name);
  const none = new Map<string, number>();
  const restarted = isRolling
    ? await restartInTurn(system, names, durationMs, signal, (atMs, name, tookMs) =>
        sayAt(atMs, `${name} restarted in${seconds(tookMs)}`),
      )
    : none;
  const [killed, suffered] = isRolling
    ? [none, none]
    : await Promise.all([
        killByPlan(system, planKills(seed, system.names), durationMs, signal, (atMs, name) =>
          sayAt(atMs, `kill -9 ${name}`),
        ),
        breakByPlan(
          planOutages(seed, outagesOf(system, dataDir, clockFile)),
          durationMs,
          signal,
          (atMs, name, lastsMs) => sayAt(atMs, `${name} for${seconds(lastsMs)}`),
        ),
      ]);
  ending.abort();
  say('waiting for the last answers');
  await load;
  const messageLedger = await messages;

  const inside = lookInside(system.env);
  try {
    say('waiting for the system to become idle');
    await untilIdle(inside, ledger, signal);
    const inbox = await everyMail(mailUrl, signal);
    const usersWithoutMail = await resendMissing(caller, ledger, inbox);
    await untilIdle(inside, ledger, signal);
    for (const account of ledger.signUps) {
      if (!account.isVerified) await followLink({ mailUrl, caller, ledger, signal }, account);
    }
    await untilIdle(inside, ledger, signal);
    say('checking the result');
    const queueIds = queues.map(({ id }) => id);
    const check = { venueId: venue.id, queueIds, caller, staff, inside, ledger };
    const lines = await checkLines(check);
    const { violations: ofTasks, ...mailFacts } = await checkTasks(
      check,
      lines.parties,
      inbox,
      options.mailsSent,
    );
    const streams = await followers.check(caller, signal);
    const violations = [
      ...ledger.violations,
      ...streams.violations,
      ...lines.violations,
      ...ofTasks,
      ...(await checkSignUps(caller, ledger, inbox)),
      ...(await checkMessages(program, messageLedger, { inside, queueIds })),
      ...(await checkContacts(options.contacts, ledger, idleMsMax, signal)),
    ];
    const letters = await inside.deadLetters();
    const deadLetters = Object.fromEntries(
      [...letters].map(([queue, ofQueue]) => [queue, ofQueue.length]),
    );
    if (isRolling && caller.retries.unavailable > 0) {
      const what = `${caller.retries.unavailable} calls were answered with 503`;
      violations.push({ what, atMs: null });
    }
    violations.push(...checkDeadLetters(letters, interruptionsOf(system.names, killed, suffered)));
    const missing = mailFacts.missingMails + usersWithoutMail;
    const explained = mailFacts.mailsLostByInbox + (deadLetters.mails ?? 0);
    if (missing > explained) {
      const what = `${missing} mails are missing, of which ${explained} are accounted for`;
      violations.push({ what, atMs: null });
    }
    const { calls, others } = countMoves(ledger);
    return {
      kills: Object.fromEntries(killed),
      restarts: Object.fromEntries(restarted),
      followed: streams.followed,
      outages: Object.fromEntries(suffered),
      acknowledged: {
        joins: ledger.parties.size,
        calls,
        otherMoves: others,
        signUps: ledger.signUps.length,
        messages: messageLedger.published.size,
      },
      refused: ledger.refused,
      retried: caller.retries,
      ...mailFacts,
      deadLetters,
      violations: countViolations(violations),
    };
  } finally {
    await inside.close();
  }
}

/** Replays a Friday night beside the load, within the duration of the run; what its checks find are violations. */
async function replayMeanwhile(
  { system: { gatewayUrl, mailUrl = '' }, durationMs, signal }: ChaosOptions,
  ledger: Ledger,
): Promise<void> {
  const trace = fridayNight();
  const times = orderEvents(trace.arrivals).map(({ atSeconds }) => atSeconds);
  const nightSeconds = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const result = await replay({
    ...{ gatewayUrl, mailUrl, trace, signal },
    speed: (1_000 * nightSeconds) / durationMs,
    onProgress() {},
    note() {},
  });
  if (!hasFailed(result) && result.retried.unavailable === 0) return;
  const { latencyMs: _, ...counts } = result;
  recordViolation(ledger, `the replay found ${JSON.stringify(counts)}`);
}

/** Waits until no work is unfinished; work left at the deadline is a violation. */
async function untilIdle(inside: Inside, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + idleMsMax;
  for (let quiet = 0; quiet < idleChecks; ) {
    // The store that was killed last may not be back yet.
    const unfinished = await inside
      .unfinished()
      .catch((error: Error) => [`no answer: ${error.message}`]);
    quiet = unfinished.length === 0 ? quiet + 1 : 0;
    if (performance.now() > deadline) {
      recordViolation(ledger, `the system does not become idle: ${unfinished.join(', ')}`);
      return;
    }
    await delay(idlePollMs, undefined, { signal });
  }
}

/** How often each store and service was killed, silent or slow. */
function interruptionsOf(
  names: readonly string[],
  killed: ReadonlyMap<string, number>,
  suffered: ReadonlyMap<string, number>,
): Map<string, number> {
  return new Map(
    names.map((name) => [
      name,
      (killed.get(name) ?? 0) +
        (suffered.get(`${name} is silent`) ?? 0) +
        (suffered.get(`${name} is slow`) ?? 0),
    ]),
  );
}

function countMoves(ledger: Ledger): { calls: number; others: number } {
  let calls = 0;
  let others = 0;
  for (const { call = 0, ...otherMoves } of ledger.moves.values()) {
    calls += call;
    for (const count of Object.values(otherMoves)) others += count;
  }
  return { calls, others };
}
