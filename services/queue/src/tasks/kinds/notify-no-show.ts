import { partyMail } from '../party-mail.ts';

/** Tells a party that its place is gone. */
export const notifyNoShow = partyMail({
  kind: 'notify.no-show',
  states: ['no_show'],
  content: ({ graceSeconds: _, ...facts }) => ({ template: 'party-no-show', ...facts }),
});
