import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { listMembers } from '@queue-manager/contracts/members';
import { addParty, callNext, removeParty } from '@queue-manager/contracts/parties';
import { refresh } from '@queue-manager/contracts/tokens';
import { deleteMe } from '@queue-manager/contracts/users';
import { deleteVenue } from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import { openAccount, randomEmail } from './support/accounts.ts';
import { uniqueName } from './support/fixtures.ts';
import { openQueueOf, openVenue } from './support/lines.ts';
import { enlist } from './support/members.ts';
import { openStores } from './support/stores.ts';
import { awaitMails, refuse, succeed } from './support/system.ts';

describe('personal data', () => {
  let stores: Awaited<ReturnType<typeof openStores>>;

  before(async () => {
    stores = await openStores();
  });
  after(() => stores.close());

  async function untilNowhere(words: readonly string[]): Promise<void> {
    let places: string[] = [];
    const areNone = async () => {
      places = await stores.placesOf(words);
      return places.length === 0;
    };
    await until('it stands nowhere', areNone).catch((cause) => {
      throw new Error(`The words are still in ${places.join(', ')}`, { cause });
    });
  }

  it('is erased when the account is deleted', async () => {
    const { owner, venue } = await openVenue(uniqueName('House'));
    const account = await openAccount({ name: uniqueName('Hilda') });
    await enlist(owner, venue, account, 'host');
    const words = [account.email, account.name];
    const members = async () =>
      (await succeed(listMembers, { token: owner.token, params: { venueId: venue.id } })).data;
    assert.ok((await members()).some(({ name }) => name === account.name));
    assert.notDeepEqual(await stores.placesOf(words), []);

    await succeed(deleteMe, { token: account.token, body: { password: account.password } });
    await untilNowhere(words);
    await until('it is a member of nothing', async () => (await members()).length === 1);
    await until('its sessions are gone', async () => {
      const places = await stores.placesOf([account.id]);
      return places.every((place) => !place.includes('sessions'));
    });
    await refuse('invalid-refresh-token', refresh, {
      body: { refreshToken: account.refreshToken },
    });
  });

  it('is erased when the venue is deleted', async () => {
    const { owner, venue } = await openVenue(uniqueName('House'));
    const { token } = owner;
    const queue = await openQueueOf({ owner, venue }, { boardLabels: 'name' });
    const params = { queueId: queue.id };
    const [name, email, phone] = [uniqueName('Ana'), randomEmail(), `+3519${digits(8)}`];
    const notes = uniqueName('Sits by the window,');
    const reason = uniqueName('Shouted,');
    const body = { name, email, phone, notes };
    const called = await succeed(addParty, { token, params, body });
    await succeed(callNext, { token, params, body: {} });
    const removed = await succeed(addParty, { token, params, body });
    await succeed(removeParty, { token, params: { partyId: removed.id }, body: { reason } });
    await awaitMails(email, 3);
    assert.equal(called.name, name);
    const words = [name, email, phone, notes, reason];
    const places = await stores.placesOf(words);
    assert.ok(places.includes('MySQL personal.name'), places.join());
    assert.ok(places.includes('MySQL reasons.text'), places.join());

    await succeed(deleteVenue, { token, params: { venueId: venue.id } });
    await untilNowhere(words);
  });
});

function digits(count: number): string {
  return Array.from(randomBytes(count), (byte) => byte % 10).join('');
}
