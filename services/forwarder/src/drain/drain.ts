import { setTimeout as delay } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { EventOf } from '@queue-manager/contracts/events';
import { accountKey } from '@queue-manager/contracts/users';
import { createDeadLetterUrls, createQueueUrls } from '@queue-manager/events/client';
import { withFailure } from '@queue-manager/events/dead-letter';
import { failureText } from '@queue-manager/events/failure-text';
import { BadMessage, readEvent } from '@queue-manager/events/read-event';
import { hourMs } from '@queue-manager/service-kit/durations';
import type { Logger } from '@queue-manager/service-kit/logging';
import { type Lease, LeaseLost, takeLease } from '../state/leased-state.ts';
import type { Store } from '../state/table.ts';
import { type Api, isSuccess, PrivateAddress, type Reply } from './api.ts';
import { excerptOf } from './excerpt.ts';
import type { Parameters } from './parameters.ts';
import { keysOf, Misconfigured, parseTarget, requestOf, type Target } from './target.ts';

const queue = 'contacts.fifo';
export const drainKey = 'drain';
/** Parameter with the target. */
export const targetName = 'target';

type Contact = EventOf<'contact.added'>;

/** What a run remembers for the next one. Times are epoch milliseconds. */
export type DrainState = {
  /** The last contact that needs no further try; its message may still be there. */
  lastDone: string;
  /** When the last request began, for the rate limit. */
  sentAt: number;
  /** Until when the API wants no requests. */
  notBefore: number;
  /** The contact that was last answered with 409, and since when. */
  conflict: { id: string; since: number } | null;
  /** The alert that was last raised. */
  alert: { cause: string; at: number } | null;
  lastRun: { at: number; result: DrainResult };
};

export type DrainResult = {
  /**
   * `empty`: nothing is left to send. `out-of-time`: the next run goes on. `stopped`: the API did not take a contact, or
   * cannot be called. `waiting`: the API asked to wait. `busy`: another run is under way. `no-target`: none is configured.
   */
  outcome: 'empty' | 'out-of-time' | 'stopped' | 'waiting' | 'busy' | 'no-target';
  forwarded: number;
  deadLetters: number;
  /** Contacts whose accounts were deleted. */
  skipped: number;
  /** Why it is stopped or waiting; without personal data. */
  reason?: string;
};

export type Drain = (options: { budgetMs: number; signal?: AbortSignal }) => Promise<DrainResult>;

export type DrainOptions = {
  store: Store;
  usersTable: string;
  sqs: SQSClient;
  sqsPrefix: string;
  parameters: Parameters;
  api: Api;
  /** Tells the operator that contacts wait, and why. */
  raiseAlert: (cause: string) => Promise<void>;
  timeoutMs: number;
  requestsPerSecond: number;
  allowPrivate: boolean;
  logger: Logger;
};

/** Of the lease and of a received message, beyond the time of one request. */
const marginMs = 5_000;
/** A released message stays hidden this long: fauxqs, the local emulator, loses those released with 0. */
const releaseSeconds = 1;
/** Long enough for a message that was just released. */
const waitSeconds = 2;
const retryAfterMaxMs = 24 * hourMs;
/** How long a request with the same idempotency key may be in progress at the API. */
const conflictMaxMs = hourMs;
/** A contact that the API does not take for this long is an alert; so is everything that lasts, once in this time. */
const alertMs = hourMs;

/** What a run does after a reply. */
type Ending = Pick<DrainResult, 'outcome' | 'reason'>;
type Setup = { target: Target; keys: ReadonlyMap<string, string> };

/**
 * Sends the contacts of `contacts.fifo` to the external API: one at a time and in order, each until it was answered with
 * 2xx. What the API may take later stops the run, so that no contact overtakes another; what it will never take becomes a
 * dead letter. One run at a time, however many processes: a run has a lease, which every request extends.
 */
export function createDrain(options: DrainOptions): Drain {
  const { store, sqs, parameters, api, raiseAlert, timeoutMs, logger } = options;
  const { clock } = store;
  const queueUrlOf = createQueueUrls(sqs, options.sqsPrefix);
  const deadLetterUrlOf = createDeadLetterUrls(sqs, options.sqsPrefix);
  const intervalMs = 1_000 / options.requestsPerSecond;
  const leaseMs = timeoutMs + marginMs;
  const now = () => clock.now().getTime();

  const keysFor = async (target: Target, get: Parameters['get']) => {
    const keys = new Map<string, string>();
    for (const name of keysOf(target)) {
      const value = await get(name);
      if (value === undefined) throw new Misconfigured(`The key “${name}” is missing`);
      keys.set(name, value);
    }
    return keys;
  };

  const readSetup = async (): Promise<Setup | undefined> => {
    const json = await parameters.get(targetName);
    if (json === undefined) return undefined;
    const target = parseTarget(json, options);
    return { target, keys: await keysFor(target, parameters.get) };
  };

  const receive = async (): Promise<Message | undefined> => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: await queueUrlOf(queue),
        MaxNumberOfMessages: 1,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: Math.ceil(leaseMs / 1_000),
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages[0];
  };

  const release = async ({ ReceiptHandle }: Message) => {
    const QueueUrl = await queueUrlOf(queue);
    const VisibilityTimeout = releaseSeconds;
    await sqs
      .send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }))
      // It becomes visible by itself, later.
      .catch((error: unknown) => logger.warn({ err: error }, 'a contact was not released'));
  };

  const remove = async ({ ReceiptHandle }: Message) => {
    const QueueUrl = await queueUrlOf(queue);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  };

  const makeDeadLetter = async (message: Message, error: unknown) => {
    const receives = Number(message.Attributes?.ApproximateReceiveCount ?? 1);
    logger.error({ messageId: message.MessageId, err: error }, 'a contact becomes a dead letter');
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: await deadLetterUrlOf(queue),
        ...withFailure(queue, message, { error, failedAt: clock.now(), receives }),
      }),
    );
  };

  /** Whether the account still exists. A deleted one is not passed on any more. */
  const isAccount = async (userId: string) => {
    const { Item } = await store.db.send(
      new GetCommand({
        TableName: options.usersTable,
        Key: accountKey(userId),
        ConsistentRead: true,
        ProjectionExpression: 'pk',
      }),
    );
    return Item !== undefined;
  };

  /** Sends one request. The lease is extended first: who has lost it must not send. */
  const attempt = async (
    lease: Lease<DrainState>,
    { target, keys }: Setup,
    { data }: Contact,
  ): Promise<Reply | Error> => {
    const contact = requestOf(target, data, keys);
    await lease.save({ sentAt: now() });
    try {
      return await api.send(contact, clock.now());
    } catch (error) {
      const { name, code, message } = error as Error & { code?: string };
      if (error instanceof PrivateAddress) throw new Misconfigured(message);
      if (code === 'UND_ERR_INVALID_ARG') {
        throw new Misconfigured(`The request is invalid: ${message}`);
      }
      return new Error(`The API did not answer: ${name === 'Error' ? code : name}`);
    }
  };

  /** As `attempt`. When the API refuses the keys, they may have rotated: tries once more if there are new ones. */
  const send = async (lease: Lease<DrainState>, setup: Setup, contact: Contact) => {
    const reply = await attempt(lease, setup, contact);
    if (reply instanceof Error || (reply.status !== 401 && reply.status !== 403)) return reply;
    const keys = await keysFor(setup.target, parameters.getFresh);
    const isSame = [...keys].every(([name, value]) => setup.keys.get(name) === value);
    return isSame ? reply : attempt(lease, { ...setup, keys }, contact);
  };

  /** Stops the run, until the API wants requests again. */
  const stop = async (
    lease: Lease<DrainState>,
    message: Message,
    reason: string,
    retryAt?: Date,
  ): Promise<Ending> => {
    const notBefore = Math.min(retryAt?.getTime() ?? 0, now() + retryAfterMaxMs);
    await lease.save({ notBefore });
    const ageMs = now() - Number(message.Attributes?.SentTimestamp ?? now());
    if (ageMs >= alertMs) await alert(lease, 'behind', reason);
    return { outcome: 'stopped', reason };
  };

  const alert = async (lease: Lease<DrainState>, cause: string, reason: string) => {
    const { alert: last } = lease.state;
    if (last?.cause === cause && now() - last.at < alertMs) return;
    try {
      await raiseAlert(reason);
      await lease.save({ alert: { cause, at: now() } });
    } catch (error) {
      // The next run raises it.
      logger.error({ err: error, reason }, 'an alert could not be raised');
    }
  };

  /** Handles one message. Returns why the run ends, if it does. The message is removed or released. */
  const forwardOne = async (
    lease: Lease<DrainState>,
    setup: Setup,
    message: Message,
    result: DrainResult,
  ): Promise<Ending | undefined> => {
    let contact: Contact;
    try {
      contact = contactIn(message);
    } catch (error) {
      await makeDeadLetter(message, error);
      await remove(message);
      result.deadLetters += 1;
      return undefined;
    }
    const { id } = contact;
    // It was done, and only the removal failed.
    if (id === lease.state.lastDone) {
      await remove(message);
      return undefined;
    }
    if (!(await isAccount(contact.data.userId))) {
      await remove(message);
      result.skipped += 1;
      return undefined;
    }

    const reply = await send(lease, setup, contact);
    if (reply instanceof Error) return stop(lease, message, reply.message);
    const { status, retryAt } = reply;
    if (isSuccess(status)) {
      result.forwarded += 1;
      await lease
        .save({ lastDone: id, conflict: null, alert: null })
        .finally(() => remove(message));
      return undefined;
    }

    const excerpt = excerptOf(reply.text, contact.data, setup.keys.values());
    const reason = failureText(`The API answered ${status}${excerpt && `: ${excerpt}`}`);
    if (status === 401) throw new Misconfigured(reason);
    if (status < 400) throw new Misconfigured(`The API answered ${status}, which is no result`);
    if (status === 409) {
      // Per the IETF's Idempotency-Key draft, an earlier try is still being processed: it was sent, and timed out.
      const { conflict } = lease.state;
      const since = conflict?.id === id ? conflict.since : now();
      await lease.save({ conflict: { id, since } });
      if (now() - since < conflictMaxMs) return stop(lease, message, reason, retryAt);
    }
    if (status === 408 || status === 429 || status >= 500) {
      return stop(lease, message, reason, retryAt);
    }
    await makeDeadLetter(message, reason);
    result.deadLetters += 1;
    await lease.save({ lastDone: id, conflict: null }).finally(() => remove(message));
    return undefined;
  };

  /** Waits until the rate limit allows the next request, also after that of an earlier run. */
  const pace = async ({ state }: Lease<DrainState>) => {
    const waitMs = (state.sentAt ?? 0) + intervalMs - now();
    // The clock may have gone back.
    if (waitMs > 0) await delay(Math.min(waitMs, intervalMs));
  };

  const forwardAll = async (
    lease: Lease<DrainState>,
    result: DrainResult,
    { budgetMs, signal }: { budgetMs: number; signal?: AbortSignal },
  ): Promise<Ending> => {
    const { notBefore = 0 } = lease.state;
    if (now() < notBefore) {
      const until = new Date(notBefore).toISOString();
      return { outcome: 'waiting', reason: `The API asked to wait until ${until}` };
    }
    const deadline = performance.now() + budgetMs - timeoutMs;
    do {
      const setup = await readSetup();
      if (setup === undefined) return { outcome: 'no-target' };
      await pace(lease);
      const message = await receive();
      if (message === undefined) return { outcome: 'empty' };
      let ending: Ending | undefined;
      let isHeld = true;
      try {
        ending = await forwardOne(lease, setup, message, result);
        isHeld = ending !== undefined;
      } finally {
        if (isHeld) await release(message);
      }
      if (ending !== undefined) return ending;
    } while (performance.now() < deadline && !signal?.aborted);
    return { outcome: 'out-of-time' };
  };

  return async (run) => {
    const result: DrainResult = { outcome: 'busy', forwarded: 0, deadLetters: 0, skipped: 0 };
    const lease = await takeLease<DrainState>(store, drainKey, leaseMs);
    if (lease === undefined) return result;
    try {
      try {
        Object.assign(result, await forwardAll(lease, result, run));
      } catch (error) {
        if (!(error instanceof Misconfigured)) throw error;
        Object.assign(result, { outcome: 'stopped', reason: error.message });
        await alert(lease, error.message, error.message);
      }
      await lease.save({ lastRun: { at: now(), result } });
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      Object.assign(result, { outcome: 'busy', reason: 'Another run has taken over' });
    } finally {
      await lease.release();
    }
    return result;
  };
}

function contactIn(message: Message): Contact {
  const event = readEvent(message.Body);
  if (event.type !== 'contact.added') throw new BadMessage('has an event type that is no contact');
  return event;
}
