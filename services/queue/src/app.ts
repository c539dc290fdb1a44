import { createApp, type ReadinessCheck } from '@queue-manager/service-kit/create-app';
import type { FastifyInstance } from 'fastify';
import { acceptInvitation } from './accept-invitation.ts';
import { addParty } from './add-party.ts';
import { callNext } from './call-next.ts';
import { callParty } from './call-party.ts';
import { changeOccupancy } from './change-occupancy.ts';
import { closeQueue } from './close-queue.ts';
import { confirmComing } from './confirm-coming.ts';
import { createApiKey } from './create-api-key.ts';
import { createInvitation } from './create-invitation.ts';
import { createQueue } from './create-queue.ts';
import { createVenue } from './create-venue.ts';
import { deleteApiKey } from './delete-api-key.ts';
import { deleteQueue } from './delete-queue.ts';
import { deleteVenue } from './delete-venue.ts';
import { departParty } from './depart-party.ts';
import type { Deps } from './deps.ts';
import { exportParties } from './export-parties.ts';
import { getJoinPage } from './get-join-page.ts';
import { getLabels } from './get-labels.ts';
import { getLineChecksum } from './get-line-checksum.ts';
import { getLineEvents } from './get-line-events.ts';
import { getMembershipsOf } from './get-memberships-of.ts';
import { getModel } from './get-model.ts';
import { getOccupancy } from './get-occupancy.ts';
import { getParty } from './get-party.ts';
import { getPartySnapshot } from './get-party-snapshot.ts';
import { getPartySnapshots } from './get-party-snapshots.ts';
import { getQrPng } from './get-qr-png.ts';
import { getQrSvg } from './get-qr-svg.ts';
import { getQueue } from './get-queue.ts';
import { getReport } from './get-report.ts';
import { getRole } from './get-role.ts';
import { getSnapshot } from './get-snapshot.ts';
import { getTicket } from './get-ticket.ts';
import { getVenue } from './get-venue.ts';
import { joinQueue } from './join-queue.ts';
import { keepModel } from './keep-model.ts';
import { leaveQueue } from './leave-queue.ts';
import { listApiKeys } from './list-api-keys.ts';
import { listInvitations } from './list-invitations.ts';
import { listMembers } from './list-members.ts';
import { listOccupancyChanges } from './list-occupancy-changes.ts';
import { listParties } from './list-parties.ts';
import { listPartyEvents } from './list-party-events.ts';
import { listQueueEvents } from './list-queue-events.ts';
import { listQueues } from './list-queues.ts';
import { listVenues } from './list-venues.ts';
import { moveParty } from './move-party.ts';
import { noShowParty } from './no-show-party.ts';
import { openQueue } from './open-queue.ts';
import { pauseQueue } from './pause-queue.ts';
import { removeMember } from './remove-member.ts';
import { removeParty } from './remove-party.ts';
import { replaceJoinCode } from './replace-join-code.ts';
import { restoreParty } from './restore-party.ts';
import { revokeInvitation } from './revoke-invitation.ts';
import { seatParty } from './seat-party.ts';
import { snooze } from './snooze.ts';
import { listTasks } from './tasks/list-tasks.ts';
import { retryTask } from './tasks/retry-task.ts';
import { updateMember } from './update-member.ts';
import { updateParty } from './update-party.ts';
import { updateQueue } from './update-queue.ts';
import { updateVenue } from './update-venue.ts';

/** Every route of the queue service. Its consumers, the relay and the dispatcher are started in `main.ts`. */
export function createQueueApp(
  deps: Deps,
  readiness: Record<string, ReadinessCheck>,
): FastifyInstance {
  const app = createApp({ ...deps, readiness });

  app.route(createVenue(deps));
  app.route(listVenues(deps));
  app.route(getVenue(deps));
  app.route(updateVenue(deps));
  app.route(deleteVenue(deps));
  app.route(getOccupancy(deps));
  app.route(changeOccupancy(deps));
  app.route(listOccupancyChanges(deps));

  app.route(listMembers(deps));
  app.route(updateMember(deps));
  app.route(removeMember(deps));
  app.route(listInvitations(deps));
  app.route(createInvitation(deps));
  app.route(revokeInvitation(deps));
  app.route(acceptInvitation(deps));

  app.route(listApiKeys(deps));
  app.route(createApiKey(deps));
  app.route(deleteApiKey(deps));

  app.route(createQueue(deps));
  app.route(listQueues(deps));
  app.route(getQueue(deps));
  app.route(updateQueue(deps));
  app.route(deleteQueue(deps));
  app.route(openQueue(deps));
  app.route(pauseQueue(deps));
  app.route(closeQueue(deps));
  app.route(replaceJoinCode(deps));
  app.route(getQrSvg(deps));
  app.route(getQrPng(deps));

  app.route(addParty(deps));
  app.route(listParties(deps));
  app.route(getParty(deps));
  app.route(updateParty(deps));
  app.route(callNext(deps));
  app.route(callParty(deps));
  app.route(seatParty(deps));
  app.route(departParty(deps));
  app.route(noShowParty(deps));
  app.route(removeParty(deps));
  app.route(restoreParty(deps));
  app.route(moveParty(deps));

  app.route(listPartyEvents(deps));
  app.route(listQueueEvents(deps));
  app.route(getReport(deps));
  app.route(exportParties(deps));

  app.route(getJoinPage(deps));
  app.route(joinQueue(deps));
  app.route(getTicket(deps));
  app.route(confirmComing(deps));
  app.route(snooze(deps));
  app.route(leaveQueue(deps));

  app.route(listTasks(deps));
  app.route(retryTask(deps));

  app.route(getMembershipsOf(deps));
  app.route(getSnapshot(deps));
  app.route(getPartySnapshot(deps));
  app.route(getPartySnapshots(deps));
  app.route(getLineChecksum(deps));
  app.route(getLabels(deps));
  app.route(getRole(deps));
  app.route(getLineEvents(deps));
  app.route(getModel(deps));
  app.route(keepModel(deps));

  return app;
}
