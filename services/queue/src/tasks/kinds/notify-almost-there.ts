import { partyMail } from '../party-mail.ts';

/** Tells those near the front to come back. */
export const notifyAlmostThere = partyMail({
  kind: 'notify.almost-there',
  states: ['waiting'],
  content: ({ graceSeconds: _, ...facts }) => ({ template: 'party-almost-there', ...facts }),
});
