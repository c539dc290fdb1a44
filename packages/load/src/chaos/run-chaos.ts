import { setTimeout as delay } from 'node:timers/promises';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { everyMail } from '@queue-manager/local-stack/inbox';
import type { System } from '@queue-manager/local-stack/system/system';
import { createCaller, type Retries, succeed } from '../callers/retrying-caller.ts';
import { openAccount } from '../callers/staff-account.ts';
import { checkLines } from './check-lines.ts';
import { checkSignUps, resendMissing } from './check-sign-ups.ts';
import { checkTasks, type MailFacts } from './check-tasks.ts';
import { type Inside, lookInside } from './inside.ts';
import { killByPlan, planKills } from './kills.ts';
import {
  countViolations,
  createLedger,
  type Ledger,
  noteViolation,
  type ViolationCount,
} from './ledger.ts';
import { followLink, playLoad } from './play-load.ts';

export interface ChaosOptions {
  system: System;
  seed: string;
  durationMs: number;
  /** Ids of the mails that the mailer says it sent; grows while the system runs. */
  mailsSent: ReadonlySet<string>;
  signal: AbortSignal;
  /** Takes one line at a time. */
  say(line: string): void;
}

export interface ChaosResult extends MailFacts {
  /** How often each store and service was killed. */
  kills: Record<string, number>;
  acknowledged: { joins: number; calls: number; otherMoves: number; signUps: number };
  /** Moves that came too late for their party. */
  refused: number;
  retried: Retries;
  /** Messages in dead-letter queues at the end. */
  deadLetters: Record<string, number>;
  violations: ViolationCount[];
}

/** The longest there is, and the shortest: where nobody who was called is given up, and where many are. */
const graceSeconds = { patient: 24 * 60 * 60, hasty: 30 };
/** Bounds a system that never comes back; longer than any outage of the run. */
const patienceMs = 600_000;
/** Bounds a system that never comes to rest. */
const restMsMax = 600_000;
/** It is at rest when nothing was under way so often in a row, so often a second. */
const restLooks = 3;
const restLookEveryMs = 500;

/**
 * Plays a load through the gateway while it kills stores and services, lets the system come to rest, and
 * holds it against what it acknowledged.
 *
 * @throws StackError when the system cannot be set up, or stays away for longer than its patience.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { system, seed, durationMs, signal, say } = options;
  const { gatewayUrl, mailUrl = '' } = system;
  const caller = createCaller({ gatewayUrl, signal, patienceMs, note: () => {} });
  const staff = await openAccount(caller, mailUrl, signal);
  const venue = await succeed(staff, createVenue, { body: { name: 'Chaos', timezone: 'UTC' } });
  const queues: Queue[] = [];
  for (const [name, callGraceSeconds] of Object.entries(graceSeconds)) {
    const params = { venueId: venue.id };
    queues.push(await succeed(staff, createQueue, { params, body: { name, callGraceSeconds } }));
  }

  const ledger = createLedger();
  const ending = new AbortController();
  const load = playLoad({
    ...{ seed, queues, caller, staff, mailUrl, ledger, signal },
    stopping: ending.signal,
  });
  // Waited for below; until then its failure must not end the process.
  load.catch(() => {});
  const plan = planKills(seed, system.names);
  const killed = await killByPlan(system, plan, durationMs, signal, (atMs, name) =>
    say(`${(atMs / 1_000).toFixed(1).padStart(6)} s  kill -9 ${name}`),
  );
  ending.abort();
  say('no more kills: waiting for the last answers');
  await load;

  const inside = lookInside(system.env);
  try {
    say('waiting for the system to come to rest');
    await untilAtRest(inside, ledger, signal);
    const inbox = await everyMail(mailUrl, signal);
    const newcomersWithoutMail = await resendMissing(caller, ledger, inbox);
    await untilAtRest(inside, ledger, signal);
    for (const account of ledger.signUps) {
      if (!account.isVerified) await followLink({ mailUrl, caller, ledger, signal }, account);
    }
    await untilAtRest(inside, ledger, signal);
    say('checking what came of it');
    const queueIds = queues.map(({ id }) => id);
    const check = { venueId: venue.id, queueIds, caller, staff, inside, ledger };
    const lines = await checkLines(check);
    const { violations: ofTasks, ...mailFacts } = await checkTasks(
      check,
      lines.parties,
      inbox,
      options.mailsSent,
    );
    const violations = [
      ...ledger.violations,
      ...lines.violations,
      ...ofTasks,
      ...(await checkSignUps(caller, ledger, inbox)),
    ];
    const deadLetters = Object.fromEntries(await inside.deadLetters());
    const missing = mailFacts.missingMails + newcomersWithoutMail;
    const explained = mailFacts.mailsLostByInbox + (deadLetters.mails ?? 0);
    if (missing > explained) {
      const what = `${missing} mails are missing, of which ${explained} are accounted for`;
      violations.push({ what, atMs: null });
    }
    const { calls, others } = countMoves(ledger);
    return {
      kills: Object.fromEntries(killed),
      acknowledged: {
        joins: ledger.parties.size,
        calls,
        otherMoves: others,
        signUps: ledger.signUps.length,
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

/** Waits until nothing is under way any more; what still is at the deadline is a violation. */
async function untilAtRest(inside: Inside, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + restMsMax;
  for (let quiet = 0; quiet < restLooks; ) {
    // A store that was killed last may not be back yet.
    const underWay = await inside.underWay().catch((error: Error) => [`no look: ${error.message}`]);
    quiet = underWay.length === 0 ? quiet + 1 : 0;
    if (performance.now() > deadline) {
      noteViolation(ledger, `the system does not come to rest: ${underWay.join(', ')}`);
      return;
    }
    await delay(restLookEveryMs, undefined, { signal });
  }
}

function countMoves(ledger: Ledger): { calls: number; others: number } {
  let calls = 0;
  let others = 0;
  for (const { call = 0, ...rest } of ledger.moves.values()) {
    calls += call;
    for (const count of Object.values(rest)) others += count;
  }
  return { calls, others };
}
