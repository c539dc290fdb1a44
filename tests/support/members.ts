import { acceptInvitation, createInvitation } from '@queue-manager/contracts/members';
import type { Role, Venue } from '@queue-manager/contracts/venues';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { until } from '@queue-manager/service-kit/testing';
import type { TestAccount } from './accounts.ts';
import { mailUrl, succeed } from './system.ts';

type Invited = { owner: TestAccount; venue: Venue; email: string; role: Role };

/** Invites an e-mail to a venue with a unique name, and returns the token of the mail. */
export async function invite({ owner, venue, email, role }: Invited): Promise<string> {
  const known = new Set(await tokens());
  await succeed(createInvitation, {
    token: owner.token,
    params: { venueId: venue.id },
    body: { email, role },
  });
  return until(`an invitation to ${venue.name} came to ${email}`, async () =>
    (await tokens()).find((token) => !known.has(token)),
  );

  async function tokens(): Promise<string[]> {
    const mails = await mailsTo(mailUrl, email);
    return mails.flatMap((mail) => (mail.text.includes(venue.name) ? (tokenIn(mail) ?? []) : []));
  }
}

/** Makes an account a member of a venue by an invitation mail. */
export async function enlist(
  owner: TestAccount,
  venue: Venue,
  account: TestAccount,
  role: Role,
): Promise<void> {
  const token = await invite({ owner, venue, email: account.email, role });
  await succeed(acceptInvitation, { token: account.token, body: { token } });
}
