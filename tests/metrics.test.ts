import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { addParty, callParty, type Party, seatParty } from '@queue-manager/contracts/parties';
import { createQueue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { addressVariable, services } from '@queue-manager/local-stack/system/services';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import {
  type Metric,
  metricsList,
  panelRows,
} from '@queue-manager/service-kit/telemetry/metrics-list';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import { openAccount, randomEmail } from './support/accounts.ts';
import { awaitMails, succeed } from './support/system.ts';

const list = Object.entries<Metric>(metricsList);

/** The metrics of a service's first process. */
async function metricsOf(service: string): Promise<string> {
  const [url = ''] = testEnv(addressVariable(service)).split(',');
  const answer = await fetch(new URL('/metrics', url), {
    headers: { [credentialHeader]: testEnv('INTERNAL_CREDENTIAL') },
  });
  assert.equal(answer.status, 200);
  return answer.text();
}

/** The sum of all series that begin like this. */
async function seriesSum(service: string, beginning: string): Promise<number> {
  const text = await metricsOf(service);
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(beginning))
    .map((line) => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}

describe('metrics of a running system', () => {
  let token: string;
  let queueId: string;
  const join = (email: string | null): Promise<Party> =>
    succeed(addParty, { token, params: { queueId }, body: { name: 'Ana', email } });

  before(async () => {
    ({ token } = await openAccount());
    const venue = await succeed(createVenue, { token, body: { name: 'Seen', timezone: 'UTC' } });
    const params = { venueId: venue.id };
    queueId = (await succeed(createQueue, { token, params, body: { name: 'Tables' } })).id;
  });

  for (const { name } of services) {
    it(`are those that the list names for the service ${name}`, async () => {
      const registered = [...(await metricsOf(name)).matchAll(/^# TYPE (\w+) (\w+)$/gm)]
        .filter(([, metric = '']) => !/^(process|nodejs)_/.test(metric))
        .map(([, metric, type]) => `${metric} ${type}`);
      const listed = list
        .filter(([, { services: owners }]) => owners?.includes(name) ?? true)
        .map(([metric, { type }]) => `${metric} ${type}`);
      assert.deepEqual(registered.sort(), listed.sort());
    });
  }

  it('follow parties from the join to the mail', async () => {
    const counters = {
      joins: ['queue', 'party_events_total{type="party.joined"}'],
      calls: ['queue', 'party_events_total{type="party.called"}'],
      waits: ['queue', 'wait_seconds_count'],
      quotes: ['queue', 'quote_error_seconds_count'],
      applied: ['position', 'projection_lag_seconds_count'],
      tasks: ['queue', 'task_results_total{outcome="done"}'],
      mails: ['mailer', 'mails_total{template="party-called",outcome="sent"}'],
      messages: ['mailer', 'messages_total{queue="mails",outcome="handled"}'],
    } as const;
    const read = async () =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(counters).map(async ([name, [service, beginning]]) => [
            name,
            await seriesSum(service, beginning),
          ]),
        ),
      ) as Record<keyof typeof counters, number>;
    const before = await read();
    const waiting = await seriesSum('queue', 'parties_in_line{state="waiting"}');
    assert.ok(waiting >= 0);

    const email = randomEmail();
    const called = await join(email);
    const seated = await join(null);
    assert.ok((await seriesSum('queue', 'parties_in_line{state="waiting"}')) >= 2);
    assert.ok((await seriesSum('queue', 'longest_line_parties')) >= 2);
    await succeed(callParty, { token, params: { partyId: called.id }, body: {} });
    await succeed(seatParty, { token, params: { partyId: seated.id }, body: {} });
    await awaitMails(email, 2);
    const least = {
      joins: 2,
      calls: 1,
      waits: 2,
      quotes: 2,
      applied: 4,
      tasks: 2,
      mails: 1,
      messages: 2,
    };
    await until('all of it is counted', async () => {
      const now = await read();
      return Object.entries(least).every(
        ([name, count]) =>
          now[name as keyof typeof now] >= before[name as keyof typeof before] + count,
      );
    });
  });

  it('have a series of every counter of the dashboard before it has counted anything', async () => {
    const shown = panelRows.flatMap(({ panels }) => panels.flatMap(({ series }) => series));
    for (const { metric, where = {} } of shown) {
      const { type, services: owners = [] } = (metricsList as Record<string, Metric>)[metric] ?? {};
      if (type !== 'counter') continue;
      const wanted = Object.entries(where).map(
        ([label, pattern]) => new RegExp(`\\b${label}="(?:${pattern})"`),
      );
      for (const owner of owners) {
        const lines = (await metricsOf(owner)).split('\n');
        const found = lines.some(
          (line) => line.startsWith(`${metric}{`) && wanted.every((label) => label.test(line)),
        );
        assert.ok(found, `${metric} of ${owner}`);
      }
    }
  });

  it('have a value for every store that answers', async () => {
    for (const name of ['queue', 'user', 'position', 'mailer', 'auth', 'gateway']) {
      assert.doesNotMatch(await metricsOf(name), /^(?!nodejs_)\w+({.*})? NaN$/im, name);
    }
    for (const state of ['due', 'running', 'failed']) {
      const text = await metricsOf('queue');
      assert.match(text, new RegExp(`^tasks{state="${state}"} \\d+$`, 'm'));
    }
  });
});
