import { createApiKey, deleteApiKey, listApiKeys } from './api-keys.ts';
import {
  consumeMessages,
  deleteMessage,
  extendMessage,
  getBrokerStats,
  listDeadMessages,
  publishMessage,
  requeueDeadMessage,
} from './broker.ts';
import type { Contract } from './contract.ts';
import {
  confirmComing,
  getBoardPage,
  getJoinPage,
  getTicket,
  getUnsubscribePage,
  joinQueue,
  leaveQueue,
  snooze,
  unsubscribe,
} from './guests.ts';
import { listPartyEvents, listQueueEvents } from './history.ts';
import { liveBoard, liveQueue, liveTicket, liveVenue } from './live.ts';
import {
  acceptInvitation,
  createInvitation,
  listInvitations,
  listMembers,
  removeMember,
  revokeInvitation,
  updateMember,
} from './members.ts';
import { changeOccupancy, getOccupancy, listOccupancyChanges } from './occupancy.ts';
import {
  addParty,
  callNext,
  callParty,
  departParty,
  getParty,
  listParties,
  moveParty,
  noShowParty,
  removeParty,
  restoreParty,
  seatParty,
  undoParty,
  updateParty,
} from './parties.ts';
import { getBoard, getPosition } from './positions.ts';
import {
  closeQueue,
  createQueue,
  deleteQueue,
  getQrPng,
  getQrSvg,
  getQueue,
  listQueues,
  openQueue,
  pauseQueue,
  replaceJoinCode,
  updateQueue,
} from './queues.ts';
import { exportParties, getReport, getVenueReport } from './reports.ts';
import { listTasks, retryTask } from './tasks.ts';
import { endSession, getJwks, listSessions, login, logout, refresh } from './tokens.ts';
import {
  changePassword,
  deleteMe,
  exportMe,
  forgotPassword,
  getMe,
  resendVerification,
  resetPassword,
  signUp,
  updateMe,
  verifyUser,
} from './users.ts';
import { createVenue, deleteVenue, getVenue, listVenues, updateVenue } from './venues.ts';

/** Every public route by its `operationId`, in the order of the API documentation. */
export const publicRoutes = {
  signUp,
  verifyUser,
  resendVerification,
  forgotPassword,
  resetPassword,
  getMe,
  updateMe,
  deleteMe,
  changePassword,
  exportMe,

  login,
  refresh,
  logout,
  listSessions,
  endSession,
  getJwks,

  createVenue,
  listVenues,
  getVenue,
  updateVenue,
  deleteVenue,
  getOccupancy,
  changeOccupancy,
  listOccupancyChanges,
  getVenueReport,

  listMembers,
  updateMember,
  removeMember,
  listInvitations,
  createInvitation,
  revokeInvitation,
  acceptInvitation,

  listApiKeys,
  createApiKey,
  deleteApiKey,

  createQueue,
  listQueues,
  getQueue,
  updateQueue,
  deleteQueue,
  openQueue,
  pauseQueue,
  closeQueue,
  replaceJoinCode,
  getQrSvg,
  getQrPng,
  listQueueEvents,
  getReport,
  exportParties,

  addParty,
  listParties,
  getParty,
  updateParty,
  callNext,
  callParty,
  seatParty,
  departParty,
  noShowParty,
  removeParty,
  restoreParty,
  moveParty,
  undoParty,
  listPartyEvents,

  getJoinPage,
  joinQueue,
  getTicket,
  confirmComing,
  leaveQueue,
  snooze,
  getUnsubscribePage,
  unsubscribe,

  listTasks,
  retryTask,

  getPosition,
  getBoard,
  getBoardPage,
  liveTicket,
  liveBoard,
  liveQueue,
  liveVenue,

  publishMessage,
  consumeMessages,
  deleteMessage,
  extendMessage,
  getBrokerStats,
  listDeadMessages,
  requeueDeadMessage,
};

/** Every public route. The gateway routes only these. */
export const publicContracts: readonly Contract[] = Object.values(publicRoutes);
