import { partyMail } from '../party-mail.ts';

/** Tells a party once more that it is its turn. */
export const notifyRecalled = partyMail({
  kind: 'notify.recalled',
  states: ['called'],
  content: (facts) => ({ template: 'party-recalled', ...facts }),
});
