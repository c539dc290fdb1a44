import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { MailRequestedData } from '@queue-manager/contracts/events';
import { deadLetterRetentionDays } from '@queue-manager/events/topology';
import { dayMs } from '@queue-manager/service-kit/durations';
import { createLeases } from '@queue-manager/service-kit/lease';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { MailSkipped } from './mail-skipped.ts';

/**
 * Sends the mails to a party one at a time, in the order of the changes that they tell of. Throws `MailSkipped` when a
 * newer mail was begun before.
 */
export type PartyOrder = (
  order: NonNullable<MailRequestedData['order']>,
  send: () => Promise<void>,
) => Promise<void>;

const claimOrderLua = readFileSync(new URL('./lua/claim-order-1.lua', import.meta.url), 'utf8');
const times = { leaseMs: 20_000, extendMs: 5_000 };
const pollMs = 100;
/** No mail is redriven later. */
const keepMs = deadLetterRetentionDays * dayMs;

/**
 * SQS delivers in no order, and a retry may come minutes later. The newest change is noted before its mail is sent, so
 * that no crash lets an older mail follow it: see docs/adr/0013-which-crash-can-double-a-mail.md.
 */
export function createPartyOrder(options: { redis: RedisClient; signal: AbortSignal }): PartyOrder {
  const { redis, signal } = options;
  const leases = createLeases(redis, times);

  return async ({ partyId, seq }, send) => {
    const key = `mails-of:{${partyId}}`;
    const leaseKey = `${key}:lease`;
    const holder = randomUUID();
    while ((await redis.set(leaseKey, holder, 'PX', times.leaseMs, 'NX')) !== 'OK')
      await delay(pollMs, undefined, { signal });
    try {
      await leases.holdDuring(leaseKey, holder, async () => {
        if ((await redis.eval(claimOrderLua, 1, key, seq, keepMs)) === 0)
          throw new MailSkipped('a newer mail to this guest was sent before');
        await send();
      });
    } finally {
      await leases.release(leaseKey, holder);
    }
  };
}
