import { partyMail } from '../party-mail.ts';

/** Asks a party again to come now. */
export const notifyRecalled = partyMail({
  kind: 'notify.recalled',
  states: ['called'],
  content: (facts) => ({ template: 'party-recalled', ...facts }),
});
