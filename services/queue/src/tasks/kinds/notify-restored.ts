import { partyMail } from '../party-mail.ts';

/** Tells a party whose place was gone that it has it again. */
export const notifyRestored = partyMail({
  kind: 'notify.restored',
  states: ['waiting'],
  content: ({ graceSeconds: _, ...facts }) => ({ template: 'party-restored', ...facts }),
});
