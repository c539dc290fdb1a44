import { partyMail } from '../party-mail.ts';

/** Asks a party to come now. */
export const notifyCalled = partyMail({
  kind: 'notify.called',
  states: ['called'],
  content: (facts, queue) => ({
    template: 'party-called',
    graceSeconds: queue.call_grace_seconds,
    ...facts,
  }),
});
