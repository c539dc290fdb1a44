import { partyMail } from '../party-mail.ts';

/** Confirms that a party joined. */
export const notifyJoined = partyMail({
  kind: 'notify.joined',
  states: ['waiting', 'called'],
  content: (facts) => ({ template: 'party-joined', ...facts }),
});
