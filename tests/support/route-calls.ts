import type { ProblemCode } from '@queue-manager/contracts/problems';
import { openAccount, randomEmail, randomPassword, type TestAccount } from './accounts.ts';
import type { Fixtures, PairInLine, VenueFixtures } from './fixtures.ts';

/** A call of a route that succeeds for every permitted caller. */
export type RouteCall = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  /** Replaces the caller's access token: another session or account of the caller. */
  token?: string;
  /** The problem that a permitted caller gets when the call cannot succeed. */
  answers?: ProblemCode;
  /** On ticket routes: the parties of the queue; `params` has Ana's ticket. */
  pair?: PairInLine;
};

/** Creates a call about fixtures of a venue, for the account `as` when it needs one. */
type MakeCall = (
  fixtures: VenueFixtures,
  as: TestAccount,
  all: Fixtures,
) => Promise<RouteCall> | RouteCall;

const nothing: MakeCall = () => ({});

const ofVenue =
  (call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  ({ venue }) => ({ params: { venueId: venue.id }, ...call });

const ofQueue =
  (call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  async (fixtures) => ({ params: { queueId: (await fixtures.queue()).id }, ...call });

const ofParty =
  (state: 'waiting' | 'called' | 'seated', call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  async (fixtures) => ({ params: { partyId: (await fixtures.pair(state)).ana.id }, ...call });

const ofTicket =
  (state: 'waiting' | 'called', call: Omit<RouteCall, 'params'> = {}): MakeCall =>
  async (fixtures) => {
    const pair = await fixtures.pair(state);
    return { params: { ticket: pair.ana.ticket }, pair, ...call };
  };

const noMessage = '1795204860000000';

/** A call of each public route, by operationId. */
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
  async refresh(fixtures, _, { stranger }) {
    const { refreshToken } = await fixtures.session(stranger);
    return { body: { refreshToken } };
  },
  async logout(fixtures, as) {
    const { token } = await fixtures.session(as);
    return { token };
  },
  listSessions: nothing,
  async endSession(fixtures, as) {
    const { id } = await fixtures.session(as);
    return { params: { sessionId: id } };
  },
  getJwks: nothing,

  createVenue: () => ({ body: { name: 'Another', timezone: 'Europe/Lisbon' } }),
  listVenues: nothing,
  getVenue: ofVenue(),
  updateVenue: ofVenue({ body: { dayStartsAt: '06:00' } }),
  deleteVenue: async (fixtures) => ({ params: { venueId: (await fixtures.anyVenue()).id } }),
  getOccupancy: ofVenue(),
  changeOccupancy: ofVenue({ body: { delta: 1 } }),
  listOccupancyChanges: ofVenue(),

  listMembers: ofVenue(),
  updateMember: async (fixtures) => ({
    params: { venueId: fixtures.venue.id, userId: (await fixtures.member()).id },
    body: { role: 'manager' },
  }),
  removeMember: async (fixtures) => ({
    params: { venueId: fixtures.venue.id, userId: (await fixtures.member()).id },
  }),
  listInvitations: ofVenue(),
  createInvitation: ({ venue }) => ({
    params: { venueId: venue.id },
    body: { email: randomEmail(), role: 'host' },
  }),
  revokeInvitation: async (fixtures) => ({
    params: { venueId: fixtures.venue.id, invitationId: (await fixtures.invitation()).id },
  }),
  acceptInvitation: async (fixtures, { email }) => ({
    body: { token: await fixtures.invitationToken(email) },
  }),

  listApiKeys: ofVenue(),
  createApiKey: ofVenue({ body: { name: 'Pagers' } }),
  deleteApiKey: async (fixtures) => ({
    params: { venueId: fixtures.venue.id, keyId: (await fixtures.apiKey()).id },
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
  getVenueReport: ofVenue(),
  exportParties: ofQueue(),

  addParty: ofQueue({ body: { name: 'Carla' } }),
  listParties: ofQueue(),
  getParty: ofParty('waiting'),
  updateParty: ofParty('waiting', { body: { name: 'Somebody else', size: 2 } }),
  callNext: async (fixtures) => ({
    params: { queueId: (await fixtures.pair('waiting')).queue.id },
  }),
  callParty: ofParty('waiting'),
  seatParty: ofParty('called'),
  departParty: ofParty('seated'),
  noShowParty: ofParty('called'),
  removeParty: ofParty('waiting'),
  restoreParty: ofParty('called'),
  moveParty: ofParty('waiting', { body: { position: 2, reason: 'They asked for it' } }),
  undoParty: ofParty('waiting', { body: { seq: 1 }, answers: 'party-changed' }),
  listPartyEvents: ofParty('waiting'),

  getJoinPage: async (fixtures) => ({ params: { joinCode: (await fixtures.queue()).joinCode } }),
  joinQueue: async (fixtures) => ({
    params: { joinCode: (await fixtures.queue()).joinCode },
    body: { name: 'Dora' },
  }),
  getTicket: ofTicket('waiting'),
  confirmComing: ofTicket('called'),
  getUnsubscribePage: () => ({ params: { token: 'no-such-token' }, answers: 'not-found' }),
  unsubscribe: () => ({ params: { token: 'no-such-token' }, answers: 'not-found' }),
  leaveQueue: ofTicket('waiting'),
  snooze: ofTicket('waiting', { body: { places: 1 } }),

  listTasks: ofVenue(),
  retryTask: async (fixtures) => ({
    params: { taskId: (await fixtures.task()).id },
    answers: 'task-not-failed',
  }),

  getPosition: ofTicket('waiting'),
  getBoard: ofQueue(),
  getBoardPage: ofQueue(),
  liveTicket: ofTicket('waiting'),
  liveBoard: ofQueue(),
  liveQueue: ofQueue(),
  liveVenue: ofVenue(),

  publishMessage: () => ({ body: { order: 17 } }),
  consumeMessages: () => ({ query: { cid: 'till' } }),
  deleteMessage: () => ({ query: { cid: 'till', id: noMessage } }),
  extendMessage: () => ({ query: { cid: 'till', id: noMessage } }),
  getBrokerStats: nothing,
  listDeadMessages: nothing,
  requeueDeadMessage: () => ({ params: { id: noMessage }, answers: 'not-found' }),
};
