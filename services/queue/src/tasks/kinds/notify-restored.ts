import { partyMail } from '../party-mail.ts';

/** Tells a party that it has its place back. */
export const notifyRestored = partyMail({
  kind: 'notify.restored',
  states: ['waiting'],
  content: (facts) => ({ template: 'party-restored', ...facts }),
});
