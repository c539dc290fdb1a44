import { partyMail } from '../party-mail.ts';

/**
 * Tells a party that it is not in the line any more: a host removed it, or the line has closed. One that had left is told
 * so when a host took back that it was restored.
 */
export const notifyRemoved = partyMail({
  kind: 'notify.removed',
  states: ['removed', 'left'],
  content: (facts, queue) => ({
    template: 'party-removed',
    lineClosed: queue.state === 'closed',
    ...facts,
  }),
});
