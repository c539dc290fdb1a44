import { partyMail } from '../party-mail.ts';

/** Tells a party that it lost its place. */
export const notifyNoShow = partyMail({
  kind: 'notify.no-show',
  states: ['no_show'],
  content: (facts) => ({ template: 'party-no-show', ...facts }),
});
