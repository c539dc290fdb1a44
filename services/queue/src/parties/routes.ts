import type { Deps } from '../deps.ts';
import { addParty } from './add-party.ts';
import { callNext } from './call-next.ts';
import { callParty } from './call-party.ts';
import { confirmComing } from './confirm-coming.ts';
import { departParty } from './depart-party.ts';
import { getParty } from './get-party.ts';
import { getTicket } from './get-ticket.ts';
import { leaveQueue } from './leave-queue.ts';
import { listParties } from './list-parties.ts';
import { listPartyEvents } from './list-party-events.ts';
import { moveParty } from './move-party.ts';
import { noShowParty } from './no-show-party.ts';
import { removeParty } from './remove-party.ts';
import { restoreParty } from './restore-party.ts';
import { seatParty } from './seat-party.ts';
import { snooze } from './snooze.ts';
import { undoParty } from './undo-party.ts';
import { updateParty } from './update-party.ts';

/** Parties, as staff and as their own guests change them. */
export const partiesRoutes = (deps: Deps) => [
  addParty(deps),
  listParties(deps),
  getParty(deps),
  updateParty(deps),
  callNext(deps),
  callParty(deps),
  seatParty(deps),
  departParty(deps),
  noShowParty(deps),
  removeParty(deps),
  restoreParty(deps),
  moveParty(deps),
  undoParty(deps),
  listPartyEvents(deps),
  getTicket(deps),
  confirmComing(deps),
  snooze(deps),
  leaveQueue(deps),
];
