import { everyItem } from '@queue-manager/client/client';
import type { Party, PartyState } from '@queue-manager/contracts/parties';
import { listTasks, type Task } from '@queue-manager/contracts/tasks';
import { limits } from '@queue-manager/contracts/values';
import type { Mail } from '@queue-manager/local-stack/inbox';
import { succeed } from '../callers/retrying-caller.ts';
import type { CheckOptions } from './check-lines.ts';
import type { Violation } from './ledger.ts';

export interface MailFacts {
  /** Mails of done tasks that were still news and are not in the inbox. */
  missingMails: number;
  /** Mails that are in the inbox, each counted once. */
  mails: number;
  /** Copies beyond the first of a mail, told by its id. */
  doubledMails: number;
  /** Mails that the inbox had taken, as the mailer's log says, and lost when it was killed. */
  mailsLostByInbox: number;
  /** Tasks that failed, which managers see, by what they say. */
  failedTasks: Record<string, number>;
}

/** In which state of its party a mail is still news; of a party that went on, one may have been spared. */
const newsIn: Record<string, readonly PartyState[]> = {
  'notify.joined': ['waiting', 'called'],
  'notify.almost-there': ['waiting'],
  'notify.called': ['called'],
  'notify.recalled': ['called'],
  'notify.no-show': ['no_show'],
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
 * Every follow-up is there once, and done or visibly failed; every mail of a done task that was still news
 * is in the inbox, and none that no task asked for.
 *
 * @param inbox every mail there is.
 * @param sent ids of the mails that the mailer says the inbox has taken.
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
      if (lastError === null) complain(`task ${id} failed and does not say why`);
    }
    const isForLater = state === 'scheduled' && Date.parse(runAt) > Date.now();
    if (state !== 'done' && state !== 'failed' && !isForLater) {
      complain(`task ${id} (${kind}) is ${state}`);
    }
  }

  let missing = 0;
  for (const party of parties) {
    const own = tasksOf.get(party.id) ?? [];
    followUpOf(party, own).forEach(complain);
    if (party.email === null) continue;
    const notifications = own.filter(({ kind }) => kind in newsIn);
    const due = notifications.filter(
      ({ kind, state }) => state === 'done' && newsIn[kind]?.includes(party.state),
    ).length;
    const got = new Set(idsOf(mailsTo.get(party.email) ?? [])).size;
    if (got < due) missing += due - got;
    if (got > notifications.length) {
      complain(`party ${party.id} got ${got} mails for ${notifications.length} tasks`);
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

/** What has to follow the state a party is in. */
function followUpOf(party: Party, tasks: readonly Task[]): string[] {
  const { id, state, calls, email } = party;
  const wanted: Record<string, number> = {};
  if (email !== null) {
    if (state === 'waiting' || state === 'called') wanted['notify.joined'] = 1;
    if (state === 'called') wanted['notify.called'] = 1;
    if (state === 'called') wanted['notify.recalled'] = calls - 1;
    if (state === 'no_show') wanted['notify.no-show'] = 1;
  }
  const violations: string[] = [];
  for (const [kind, count] of Object.entries(wanted)) {
    const found = tasks.filter((task) => task.kind === kind).length;
    if (found !== count) violations.push(`party ${id} (${state}) has ${found} tasks ${kind}`);
  }
  const expiring = tasks.filter(
    (task) => task.kind === 'call.expire' && task.state === 'scheduled',
  );
  if (expiring.length !== (state === 'called' ? 1 : 0)) {
    violations.push(`party ${id} (${state}) has ${expiring.length} calls that will expire`);
  }
  return violations;
}
