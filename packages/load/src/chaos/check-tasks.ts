import { everyItem } from '@queue-manager/client/client';
import type { Party, PartyState } from '@queue-manager/contracts/parties';
import { listTasks, type Task } from '@queue-manager/contracts/tasks';
import { limits } from '@queue-manager/contracts/values';
import type { Mail } from '@queue-manager/local-stack/inbox';
import { succeed } from '../callers/retrying-caller.ts';
import type { CheckOptions } from './check-lines.ts';
import type { EventRecord } from './inside.ts';
import type { Violation } from './ledger.ts';

export interface MailFacts {
  /** Mails of done tasks that were still relevant and are not in the inbox. */
  missingMails: number;
  /** Mails in the inbox, each counted once. */
  mails: number;
  /** Further copies of mails with the same id. */
  doubledMails: number;
  /** Mails that the inbox accepted according to the mailer's log, and lost when it was killed. */
  mailsLostByInbox: number;
  /** Failed tasks, which managers see, by kind and error. */
  failedTasks: Record<string, number>;
}

/** In which states of its party a mail is still relevant. In later states it may have been skipped. */
const relevantIn: Record<string, readonly PartyState[]> = {
  'notify.joined': ['waiting', 'called'],
  'notify.almost-there': ['waiting'],
  'notify.called': ['called'],
  'notify.recalled': ['called'],
  'notify.no-show': ['no_show'],
  'notify.removed': ['removed'],
};

/** Every task of a venue. */
function readTasks({ staff, venueId }: CheckOptions): Promise<Task[]> {
  const query = { limit: limits.pageSizeMax };
  return Array.fromAsync(
    everyItem((page) =>
      succeed(staff, listTasks, { params: { venueId }, query: { ...query, ...page } }),
    ),
  );
}

/**
 * Every follow-up exists once, and is done or visibly failed. The inbox has every mail of a done task that was still
 * relevant, and none without a task.
 *
 * @param inbox every mail in the inbox.
 * @param sent event ids of the mails that the inbox accepted according to the mailer.
 */
export async function checkTasks(
  options: CheckOptions,
  parties: readonly Party[],
  inbox: readonly Mail[],
  sent: ReadonlySet<string>,
): Promise<MailFacts & { violations: Violation[] }> {
  const violations: Violation[] = [];
  const complain = (what: string) => violations.push({ what, atMs: null });
  const tasks = await readTasks(options);
  const tasksOf = Map.groupBy(tasks, ({ partyId }) => partyId);
  const mailsTo = Map.groupBy(inbox, ({ to }) => to[0]?.address);
  const idsOf = (mails: readonly Mail[]) =>
    mails.flatMap(({ headers }) => headers['x-event-id'] ?? []);
  const copies = idsOf(inbox);
  const arrived = new Set(copies);
  const lost = [...sent].filter((id) => !arrived.has(id)).length;

  const failedTasks: Record<string, number> = {};
  for (const { id, kind, state, lastError, runAt } of tasks) {
    if (state === 'failed') {
      const said = `${kind}: ${lastError}`;
      failedTasks[said] = (failedTasks[said] ?? 0) + 1;
      if (lastError === null) complain(`task ${id} failed without an error`);
    }
    const isForLater = state === 'scheduled' && Date.parse(runAt) > Date.now();
    if (state !== 'done' && state !== 'skipped' && state !== 'failed' && !isForLater) {
      complain(`task ${id} (${kind}) is ${state}`);
    }
  }

  // Counted from the events: a task may be cancelled after a crash although its mail had been sent.
  const eventsOf = await readEvents(options);
  let missing = 0;
  for (const party of parties) {
    const own = tasksOf.get(party.id) ?? [];
    const events = eventsOf.get(party.id) ?? [];
    followUpOf(party, own, events).forEach(complain);
    if (party.email === null) continue;
    const notifications = own.filter(({ kind }) => kind in relevantIn);
    const due = notifications.filter(
      ({ kind, state }) => state === 'done' && relevantIn[kind]?.includes(party.state),
    ).length;
    const got = new Set(idsOf(mailsTo.get(party.email) ?? [])).size;
    if (got < due) missing += due - got;
    for (const [subject, mails] of Map.groupBy(mailsTo.get(party.email) ?? [], mailSubject)) {
      const ids = new Set(idsOf(mails)).size;
      const asked = mailsPerKindMax(events);
      if (ids > asked) {
        complain(
          `party ${party.id} got ${ids} mails “${subject}”, but only ${asked} were asked for`,
        );
      }
    }
  }
  return {
    missingMails: missing,
    mails: arrived.size,
    doubledMails: copies.length - arrived.size,
    mailsLostByInbox: lost,
    failedTasks,
    violations,
  };
}

const mailSubject = ({ subject }: Mail) => subject;

/** The events of each party. */
async function readEvents({ inside, queueIds }: CheckOptions) {
  const events = (await Promise.all(queueIds.map((queueId) => inside.events(queueId)))).flat();
  return Map.groupBy(events, ({ partyId }) => partyId);
}

/**
 * How often the most frequent kind of event happened, and each change that was taken back once more, since guests are
 * then told anew what is true: no kind of mail is asked for more often.
 */
function mailsPerKindMax(events: readonly EventRecord[]): number {
  const { 'party.undone': undone = 0, ...others } = Object.fromEntries(
    [...Map.groupBy(events, ({ type }) => type)].map(([type, { length }]) => [type, length]),
  );
  return Math.max(0, ...Object.values(others)) + undone;
}

/** Checks the tasks that the state of a party requires. */
function followUpOf(
  party: Party,
  tasks: readonly Task[],
  events: readonly EventRecord[],
): string[] {
  const { id, state, calls, email } = party;
  const wanted: Record<string, number> = {};
  // What was taken back has deleted its mails, unless they were sent by then.
  const isPlain = events.every(({ type }) => type !== 'party.undone');
  if (email !== null && isPlain) {
    if (state === 'waiting' || state === 'called') wanted['notify.joined'] = 1;
    if (state === 'called') wanted['notify.called'] = 1;
    if (state === 'called') wanted['notify.recalled'] = calls - 1;
    if (state === 'no_show') wanted['notify.no-show'] = 1;
    if (state === 'removed') wanted['notify.removed'] = 1;
  }
  const violations: string[] = [];
  for (const [kind, count] of Object.entries(wanted)) {
    const found = tasks.filter((task) => task.kind === kind).length;
    if (found !== count) violations.push(`party ${id} (${state}) has ${found} tasks ${kind}`);
  }
  // One left over from an earlier call is harmless: cancelling skips locked tasks, and the handler checks the party.
  const willExpire = tasks.some(
    ({ kind, state }) => kind === 'call.expire' && state === 'scheduled',
  );
  if (state === 'called' && !willExpire) {
    violations.push(`party ${id} is called, and the call will never expire`);
  }
  return violations;
}
