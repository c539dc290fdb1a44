import { partyMail } from '../party-mail.ts';

/** Confirms the place in the line. */
export const notifyJoined = partyMail({
  kind: 'notify.joined',
  states: ['waiting', 'called'],
  content: ({ graceSeconds: _, ...facts }) => ({ template: 'party-joined', ...facts }),
});
