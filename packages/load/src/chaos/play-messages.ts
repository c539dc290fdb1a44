import { setTimeout as delay } from 'node:timers/promises';
import { createApiKey } from '@queue-manager/contracts/api-keys';
import {
  consumeMessages,
  deleteMessage,
  FeedEvent,
  getBrokerStats,
  publishMessage,
} from '@queue-manager/contracts/broker';
import { updateVenue } from '@queue-manager/contracts/venues';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { type Caller, succeed } from '../callers/retrying-caller.ts';
import type { Inside } from './inside.ts';
import type { Violation } from './ledger.ts';

/** What the programs of a venue have published and consumed. */
export interface MessageLedger {
  /** Acknowledged, by number. */
  published: Set<number>;
  /** How often each number was published, by the ids of its messages. */
  ownIds: Map<number, Set<string>>;
  /** Sequence numbers of the events that came, by queue. */
  events: Map<string, Set<number>>;
  deleted: Set<string>;
  violations: Violation[];
}

const pauseMs = 100;
const consumers = ['till', 'signage'];
/** Short, so that what a killed broker had handed out comes again soon. */
const visibility = 5;

/** A program of the venue, with a key of its own; its events come to the queue. */
export async function openProgram(caller: Caller, staff: Caller, venueId: string): Promise<Caller> {
  const params = { venueId };
  await succeed(staff, updateVenue, { params, body: { feed: true } });
  const { key } = await succeed(staff, createApiKey, { params, body: { name: 'Chaos' } });
  if (key === undefined) throw new StackError('the answer with the API key was lost: run again');
  return { call: (contract, options) => caller.call(contract, { ...options, token: key }) };
}

/** Publishes and consumes until `stopping`. */
export async function playMessages(
  program: Caller,
  { stopping, signal }: { stopping: AbortSignal; signal: AbortSignal },
): Promise<MessageLedger> {
  const ledger: MessageLedger = {
    published: new Set(),
    ownIds: new Map(),
    events: new Map(),
    deleted: new Set(),
    violations: [],
  };
  const pause = () => delay(pauseMs, undefined, { signal });
  const publishing = async () => {
    for (let n = 0; !stopping.aborted; n += 1) {
      await succeed(program, publishMessage, { body: { n } });
      ledger.published.add(n);
      await pause();
    }
  };
  const consuming = async (cid: string) => {
    while (!stopping.aborted) {
      await consumeOnce(program, ledger, cid);
      await pause();
    }
  };
  await Promise.all([publishing(), ...consumers.map(consuming)]);
  return ledger;
}

async function consumeOnce(program: Caller, ledger: MessageLedger, cid: string): Promise<void> {
  const query = { cid, limit: 20, wait: 1, visibility };
  for (const { id, body } of await succeed(program, consumeMessages, { query })) {
    note(ledger, id, body);
    const isDeleted = await succeed(program, deleteMessage, { query: { cid, id } });
    if (isDeleted && ledger.deleted.has(id)) {
      ledger.violations.push({ what: 'a message was deleted twice', atMs: null });
    }
    if (isDeleted) ledger.deleted.add(id);
  }
}

function note(ledger: MessageLedger, id: string, body: unknown): void {
  const event = FeedEvent.safeParse(body);
  if (event.success) {
    const { queueId, seq } = event.data;
    const seqs = ledger.events.get(queueId) ?? new Set();
    ledger.events.set(queueId, seqs.add(seq));
    return;
  }
  const { n } = body as { n: number };
  const ids = ledger.ownIds.get(n) ?? new Set();
  ledger.ownIds.set(n, ids.add(id));
}

/** Consumes the rest. Every acknowledged message and every event of the queues came; no message was published twice. */
export async function checkMessages(
  program: Caller,
  ledger: MessageLedger,
  { inside, queueIds }: { inside: Inside; queueIds: readonly string[] },
): Promise<Violation[]> {
  for (;;) {
    const { ready, locked, dead } = await succeed(program, getBrokerStats, {});
    const what = `${dead} messages of the broker are dead`;
    if (dead > 0) ledger.violations.push({ what, atMs: null });
    if (ready + locked === 0) break;
    await consumeOnce(program, ledger, consumers[0] as string);
  }
  const violations = [...ledger.violations];
  const complain = (what: string) => violations.push({ what, atMs: null });
  for (const n of ledger.published) {
    const count = ledger.ownIds.get(n)?.size ?? 0;
    if (count !== 1) complain(`a message that was acknowledged once came as ${count} messages`);
  }
  for (const queueId of queueIds) {
    const events = await inside.events(queueId);
    const came = ledger.events.get(queueId) ?? new Set();
    const missing = events.filter(({ seq }) => !came.has(seq)).length;
    // The queue was created before the feed was switched on.
    if (missing > 1) complain(`${missing} events of queue ${queueId} did not come from its feed`);
  }
  return violations;
}
