import { partyMail } from '../party-mail.ts';

/** Tells a party that it is not in the line any more: a host removed it, or the line has closed. */
export const notifyRemoved = partyMail({
  kind: 'notify.removed',
  states: ['removed'],
  content: (facts, queue) => ({
    template: 'party-removed',
    lineClosed: queue.state === 'closed',
    ...facts,
  }),
});
