import { partyMail } from '../party-mail.ts';

/** Asks a party near the front to come back. */
export const notifyAlmostThere = partyMail({
  kind: 'notify.almost-there',
  states: ['waiting'],
  content: (facts) => ({ template: 'party-almost-there', ...facts }),
});
