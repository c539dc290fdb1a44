import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient } from '@queue-manager/client/client';
import { addParty, getParty } from '@queue-manager/contracts/parties';
import { createQueue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { removeDataDir } from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { mailsTo } from '@queue-manager/local-stack/inbox';
import { standAloneEnv } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { type SmtpProxy, startSmtpProxy } from '@queue-manager/mailer/testing';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import { openAccount, randomEmail } from '../support/accounts.ts';
import { assertAccessible } from './support/axe.ts';
import { openSignedIn, tablet } from './support/backoffice.ts';
import { useBrowser } from './support/browser.ts';

/* Uses its own system on the shared stores, whose SMTP server refuses mails to one guest. */
describe('a failed message in the backoffice', () => {
  const { newPage } = useBrowser();
  let system: System;
  let smtpProxy: SmtpProxy;
  let succeed: Client['succeed'];
  let end: () => Promise<void>;

  before(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-messages-'));
    const { env, release } = await standAloneEnv(process.env);
    smtpProxy = await startSmtpProxy();
    system = await startSystem({ dataDir, env: { ...env, SMTP_URL: smtpProxy.url } });
    ({ succeed } = createClient(system.gatewayUrl));
    end = async () => {
      await system.stop();
      await smtpProxy.close();
      await release();
      removeDataDir(dataDir);
    };
  });
  after(() => end());

  it('is shown with its guest and its reason, and is sent by Try again', async () => {
    const mailUrl = testEnv('MAIL_URL');
    const owner = await openAccount({}, { succeed, mailUrl });
    const { token } = owner;
    const venue = await succeed(createVenue, {
      token,
      body: { name: 'Casa do Cais', timezone: 'Europe/Lisbon' },
    });
    const queue = await succeed(createQueue, {
      token,
      params: { venueId: venue.id },
      body: { name: 'Tables' },
    });
    // One that is not first in line gets no other mail.
    const params = { queueId: queue.id };
    for (let party = 0; party < 8; party += 1) {
      await succeed(addParty, { token, params, body: { name: 'Before' } });
    }
    const address = randomEmail();
    smtpProxy.reply(address, `550 5.1.1 <${address}> is unknown here`);
    const { id: partyId } = await succeed(addParty, {
      token,
      params,
      body: { name: 'Ana Lima', email: address },
    });
    await until('its mail has failed', async () =>
      (await succeed(getParty, { token, params: { partyId } })).notifications.some(
        ({ state }) => state === 'failed',
      ),
    );

    const page = await newPage({ ...tablet, baseURL: system.gatewayUrl });
    await openSignedIn(page, owner, `/venues/${venue.id}/settings/messages`);
    const message = page.getByRole('listitem').filter({ hasText: 'You’re in line' });
    await message.getByText('To Ana Lima').waitFor();
    await message.getByText('the address is unknown here').waitFor();
    await assertAccessible(page, 'failed messages');

    smtpProxy.accept(address);
    await message.getByRole('button', { name: /Try again/ }).click();
    await page.getByText('It is being sent again.').waitFor();
    await page.getByText('Every message got through').waitFor();
    await until('the mail came', async () => (await mailsTo(mailUrl, address))[0]);
  });
});
