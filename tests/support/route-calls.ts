import type { ProblemCode } from '@queue-manager/contracts/problems';
import { openAccount, randomEmail, randomPassword, type TestAccount } from './accounts.ts';
import type { House, PairInLine, Things } from './house.ts';

/** What to ask a route, so that whoever may ask it gets what they asked for. */
export type RouteCall = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  /** Used instead of the caller's own access token: another session or account of theirs. */
  token?: string;
  /** Where no success can be had: the problem of somebody who may ask. */
  answers?: ProblemCode;
  /** On ticket routes, whose tickets are there; `params` has Ana's. */
  pair?: PairInLine;
};

/** Makes a call about `things` of a venue, to be made by `as` when it takes an account. */
type MakeCall = (things: Things, as: TestAccount, house: House) => Promise<RouteCall> | RouteCall;

const nothing: MakeCall = () => ({});

const ofVenue =
  (call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  ({ venue }) => ({ params: { venueId: venue.id }, ...call });

const ofQueue =
  (call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  async (things) => ({ params: { queueId: (await things.queue()).id }, ...call });

const ofParty =
  (state: 'waiting' | 'called' | 'seated', call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  async (things) => ({ params: { partyId: (await things.pair(state)).ana.id }, ...call });

const ofTicket =
  (state: 'waiting' | 'called', call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  async (things) => {
    const pair = await things.pair(state);
    return { params: { ticket: pair.ana.ticket }, pair, ...call };
  };

/** How to ask each public route, by its operationId. */
export const routeCalls: Readonly<Record<string, MakeCall>> = {
  signUp: () => ({ body: { name: 'Nora New', email: randomEmail(), password: randomPassword() } }),
  verifyUser: () => ({ body: { token: 'no-such-token' }, answers: 'invalid-token' }),
  resendVerification: () => ({ body: { email: randomEmail() } }),
  forgotPassword: () => ({ body: { email: randomEmail() } }),
  resetPassword: () => ({
    body: { token: 'no-such-token', password: randomPassword() },
    answers: 'invalid-token',
  }),
  getMe: nothing,
  updateMe: () => ({ body: { locale: 'pt' } }),
  async deleteMe(_, as, { owner, stranger }) {
    if (as === owner || as === stranger) {
      return { body: { password: as.password }, answers: 'last-owner' };
    }
    const { password, token } = await openAccount();
    return { body: { password }, token };
  },
  changePassword: (_, { password }) => ({
    body: { currentPassword: password, newPassword: password },
  }),
  exportMe: nothing,

  login: (_, __, { host: { email, password } }) => ({ body: { email, password } }),
  async refresh(things, _, { stranger }) {
    const { refreshToken } = await things.session(stranger);
    return { body: { refreshToken } };
  },
  async logout(things, as) {
    const { token } = await things.session(as);
    return { token };
  },
  listSessions: nothing,
  async endSession(things, as) {
    const { id } = await things.session(as);
    return { params: { sessionId: id } };
  },
  getJwks: nothing,

  createVenue: () => ({ body: { name: 'Another', timezone: 'Europe/Lisbon' } }),
  listVenues: nothing,
  getVenue: ofVenue(),
  updateVenue: ofVenue({ body: { dayStartsAt: '06:00' } }),
  deleteVenue: async (things) => ({ params: { venueId: (await things.anyVenue()).id } }),
  getOccupancy: ofVenue(),
  changeOccupancy: ofVenue({ body: { delta: 1 } }),
  listOccupancyChanges: ofVenue(),

  listMembers: ofVenue(),
  updateMember: async (things) => ({
    params: { venueId: things.venue.id, userId: (await things.member()).id },
    body: { role: 'manager' },
  }),
  removeMember: async (things) => ({
    params: { venueId: things.venue.id, userId: (await things.member()).id },
  }),
  listInvitations: ofVenue(),
  createInvitation: ({ venue }) => ({
    params: { venueId: venue.id },
    body: { email: randomEmail(), role: 'host' },
  }),
  revokeInvitation: async (things) => ({
    params: { venueId: things.venue.id, invitationId: (await things.invitation()).id },
  }),
  acceptInvitation: async (things, { email }) => ({
    body: { token: await things.invitationToken(email) },
  }),

  listApiKeys: ofVenue(),
  createApiKey: ofVenue({ body: { name: 'Pagers' } }),
  deleteApiKey: async (things) => ({
    params: { venueId: things.venue.id, keyId: (await things.apiKey()).id },
  }),

  createQueue: ofVenue({ body: { name: 'Bar' } }),
  listQueues: ofVenue(),
  getQueue: ofQueue(),
  updateQueue: ofQueue({ body: { text: 'The bar is open' } }),
  deleteQueue: ofQueue(),
  openQueue: ofQueue(),
  pauseQueue: ofQueue(),
  closeQueue: ofQueue({ body: { expireWaiting: true } }),
  replaceJoinCode: ofQueue(),
  getQrSvg: ofQueue(),
  getQrPng: ofQueue(),
  listQueueEvents: ofQueue(),
  getReport: ofQueue(),
  exportParties: ofQueue(),

  addParty: ofQueue({ body: { name: 'Carla' } }),
  listParties: ofQueue(),
  getParty: ofParty('waiting'),
  updateParty: ofParty('waiting', { body: { name: 'Somebody else', size: 2 } }),
  callNext: async (things) => ({ params: { queueId: (await things.pair('waiting')).queue.id } }),
  callParty: ofParty('waiting'),
  seatParty: ofParty('called'),
  departParty: ofParty('seated'),
  noShowParty: ofParty('called'),
  removeParty: ofParty('waiting'),
  restoreParty: ofParty('called'),
  moveParty: ofParty('waiting', { body: { position: 2, reason: 'They asked for it' } }),
  listPartyEvents: ofParty('waiting'),

  getJoinPage: async (things) => ({ params: { joinCode: (await things.queue()).joinCode } }),
  joinQueue: async (things) => ({
    params: { joinCode: (await things.queue()).joinCode },
    body: { name: 'Dora' },
  }),
  getTicket: ofTicket('waiting'),
  confirmComing: ofTicket('called'),
  leaveQueue: ofTicket('waiting'),
  snooze: ofTicket('waiting', { body: { places: 1 } }),

  listTasks: ofVenue(),
  retryTask: async (things) => ({
    params: { taskId: (await things.task()).id },
    answers: 'task-not-failed',
  }),

  getPosition: ofTicket('waiting'),
  getBoard: ofQueue(),
  liveTicket: ofTicket('waiting'),
  liveBoard: ofQueue(),
  liveQueue: ofQueue(),
};
