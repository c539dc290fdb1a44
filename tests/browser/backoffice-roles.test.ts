import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { listApiKeys } from '@queue-manager/contracts/api-keys';
import { listInvitations } from '@queue-manager/contracts/members';
import { closeQueue, updateQueue } from '@queue-manager/contracts/queues';
import { getVenueReport } from '@queue-manager/contracts/reports';
import { listTasks } from '@queue-manager/contracts/tasks';
import { deleteVenue, type Role, roles, updateVenue } from '@queue-manager/contracts/venues';
import { openAccount, type TestAccount } from '../support/accounts.ts';
import { openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { enlist } from '../support/members.ts';
import { refuse } from '../support/system.ts';
import { backoffice, openSignedIn, tablet } from './support/backoffice.ts';
import { heading, useBrowser } from './support/browser.ts';

const notHere = 'There is no page here';
/** The screens of a venue: address, heading, and the entry of the navigation that leads to it. */
const screens: { path: string; title: string; entry?: string; role: Role }[] = [
  { path: 'stand', title: 'Tables', entry: 'Stand', role: 'host' },
  { path: 'door', title: 'Door', entry: 'Door', role: 'host' },
  { path: 'tonight', title: 'Tonight', entry: 'Tonight', role: 'manager' },
  { path: 'reports', title: 'Reports', entry: 'Reports', role: 'manager' },
  { path: 'history', title: 'History', entry: 'History', role: 'host' },
  { path: 'poster', title: 'Poster', entry: 'Poster', role: 'host' },
  { path: 'team', title: 'Team', entry: 'Team', role: 'host' },
  { path: 'settings/queues', title: 'Queues', entry: 'Settings', role: 'manager' },
  { path: 'settings/queues/new', title: 'New queue', role: 'manager' },
  { path: 'settings/venue', title: 'Venue', role: 'manager' },
  { path: 'settings/keys', title: 'API keys', role: 'manager' },
  { path: 'settings/messages', title: 'Failed messages', role: 'manager' },
];

describe('a role in the backoffice', () => {
  const { newPage } = useBrowser();
  let venue: TestVenue;
  let accounts: Record<Role, TestAccount>;
  let stranger: TestAccount;

  before(async () => {
    venue = await openVenue('Casa da Torre');
    await openQueueOf(venue);
    const [manager, host] = [
      await openAccount({ name: 'Marta Lima' }),
      await openAccount({ name: 'Hugo Reis' }),
    ];
    stranger = await openAccount({ name: 'Sara Stranger' });
    await enlist(venue.owner, venue.venue, manager, 'manager');
    await enlist(venue.owner, venue.venue, host, 'host');
    accounts = { host, manager, owner: venue.owner };
  });

  for (const role of roles) {
    it(`shows the ${role} its screens and no others, also by their addresses`, async () => {
      const page = await newPage({ ...tablet, reducedMotion: 'reduce' });
      await openSignedIn(page, accounts[role], `/venues/${venue.venue.id}/stand`);
      const may = (needed: Role) => roles.indexOf(role) >= roles.indexOf(needed);
      const links = page.getByRole('navigation', { name: 'Venue' }).getByRole('link');
      await links.first().waitFor();
      const entries = screens.flatMap(({ entry, role: needed }) =>
        entry !== undefined && may(needed) ? [entry] : [],
      );
      assert.deepEqual(
        (await links.allInnerTexts()).map((text) => text.trim()),
        entries,
      );
      for (const { path, title, role: needed } of screens) {
        await page.goto(backoffice(`/venues/${venue.venue.id}/${path}`));
        await heading(page, may(needed) ? title : notHere);
      }
    });
  }

  it('does not let other accounts see that there is such a venue', async () => {
    const page = await newPage(tablet);
    await openSignedIn(page, stranger, `/venues/${venue.venue.id}/stand`);
    await heading(page, notHere);
    for (const { path } of screens) {
      await page.goto(backoffice(`/venues/${venue.venue.id}/${path}`));
      await heading(page, notHere);
    }
  });

  it('is what the API refuses by, whatever a page shows', async () => {
    const params = { venueId: venue.venue.id };
    const queue = { queueId: (await openQueueOf(venue, { name: 'Bar' })).id };
    for (const [code, { token }] of [
      ['forbidden', accounts.host],
      ['not-found', stranger],
    ] as const) {
      await refuse(code, getVenueReport, { token, params });
      await refuse(code, listTasks, { token, params });
      await refuse(code, listApiKeys, { token, params });
      await refuse(code, listInvitations, { token, params });
      await refuse(code, updateVenue, { token, params, body: { name: 'Mine' } });
      await refuse(code, updateQueue, { token, params: queue, body: { name: 'Mine' } });
      await refuse(code, closeQueue, { token, params: queue, body: {} });
    }
    await refuse('forbidden', deleteVenue, { token: accounts.manager.token, params });
  });
});
