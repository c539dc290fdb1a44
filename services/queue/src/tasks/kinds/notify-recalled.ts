import { partyMail } from '../party-mail.ts';

/** Asks a party again to come now. */
export const notifyRecalled = partyMail({
  kind: 'notify.recalled',
  states: ['called'],
  content: (facts, queue) => ({
    template: 'party-recalled',
    graceSeconds: queue.call_grace_seconds,
    ...facts,
  }),
});
