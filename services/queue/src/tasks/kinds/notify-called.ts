import { partyMail } from '../party-mail.ts';

/** Tells a party that it is its turn. */
export const notifyCalled = partyMail({
  kind: 'notify.called',
  states: ['called'],
  content: (facts) => ({ template: 'party-called', ...facts }),
});
