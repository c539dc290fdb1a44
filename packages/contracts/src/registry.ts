import type { Contract } from './contract.ts';
import { getJoinPage, getTicket, joinQueue, leaveQueue } from './guests.ts';
import {
  addParty,
  callNext,
  callParty,
  getParty,
  listParties,
  noShowParty,
  removeParty,
  seatParty,
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

/** Every public route, in the order in which the documentation lists them. The gateway routes these and no other. */
export const publicContracts: readonly Contract[] = [
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

  addParty,
  listParties,
  getParty,
  updateParty,
  callNext,
  callParty,
  seatParty,
  noShowParty,
  removeParty,

  getJoinPage,
  joinQueue,
  getTicket,
  leaveQueue,

  listTasks,
  retryTask,

  getPosition,
  getBoard,
];
