/*
 * Examples of the API documentation, by operationId: what a caller sends, and the body of a success. One evening at one
 * venue. `examples.test.ts` validates each by the schema of its contract.
 */
type Example = { request?: unknown; response?: unknown };

const [userId, hostId] = [
  '7d4f0c1e-53a1-4a44-9c0e-0d3b8b9a1f01',
  '2b8f3f6a-5d0e-4f6c-8f0f-6c1d2a9b7e02',
];
const venueId = '0198f2a4-6d1c-7b32-9a51-3f1c7e5a9d03';
const queueId = '0198f2a4-7e2d-7c43-8b62-4a2d8f6b0e04';
const partyId = '0198f2a6-8f3e-7d54-9c73-5b3e907c1f05';
const otherPartyId = '0198f2a6-9f4e-7e65-8d84-6c4f918d200c';
const ticket = 'AQGY8qR-LXxDi2JKLY9rDgQBmPKmjz59VJxzWz6QfB8FZx0rT5mB2nK8cQ7wLs4vEg';
const joinCode = '7K3MPQ9X2D';
const origin = 'https://line.example.com';
const ticketUrl = `${origin}/t/${ticket}`;
const text = 'The bar is open while you wait.';
const endMessage = 'Thank you for coming!';
const email = 'ana@example.com';
const accountToken = 'b3V0LW9mLW91ci1tYWls';
const password = 'correct horse battery';

/** A minute past 20:00 of the evening. */
const at = (minute: number, second = 0) =>
  new Date(Date.UTC(2026, 10, 20, 20, minute, second)).toISOString();
const page = (...data: unknown[]) => ({ data, nextCursor: null });

const estimate = { p10: 480, p50: 900, p90: 1_500, model: 'online-quantiles-3', asOf: at(2) };

const user = {
  id: userId,
  name: 'Olga Reis',
  email: 'olga@example.com',
  locale: 'pt',
  createdAt: '2026-11-01T09:00:00.000Z',
  verifiedAt: '2026-11-01T09:03:12.000Z',
};

const tokens = {
  accessToken: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI3ZDRmIn0.c2lnbmF0dXJl',
  tokenType: 'Bearer',
  expiresIn: 900,
  refreshToken: 'fU8MHlOhSkScDg07i5ofAQAAAAE',
};

const session = {
  id: '0198f2a1-1a2b-7c3d-8e4f-5a6b7c8d9e06',
  createdAt: at(0),
  lastUsedAt: at(15),
  expiresAt: '2026-12-20T20:15:00.000Z',
};

const venue = {
  id: venueId,
  name: 'The Corner',
  timezone: 'Europe/Lisbon',
  locale: 'pt',
  capacity: 80,
  occupancy: 36,
  dayStartsAt: '05:00',
  retentionDays: 30,
  accentColor: '#0f766e',
  feed: false,
  role: 'owner',
  createdAt: '2026-11-01T09:10:00.000Z',
};

const look = {
  locale: venue.locale,
  timezone: venue.timezone,
  accentColor: venue.accentColor,
};

const host = { userId: hostId, name: 'Hugo Dias', role: 'host' };

const invitation = {
  id: '0198f2a5-2b3c-7d4e-9f50-6b7c8d9e0f07',
  email: 'hugo@example.com',
  role: 'host',
  createdAt: at(0),
  expiresAt: '2026-11-27T20:00:00.000Z',
};

const apiKey = {
  id: '0198f2a5-3c4d-7e5f-8061-7c8d9e0f1a08',
  name: 'Till',
  createdBy: userId,
  createdAt: at(0),
};

const queue = {
  id: queueId,
  venueId,
  name: 'Tables',
  text,
  endMessage,
  state: 'open',
  joinCode,
  joinUrl: `${origin}/j/${joinCode}`,
  waiting: 4,
  called: 1,
  maxWaiting: 60,
  maxPartySize: 12,
  callGraceSeconds: 300,
  selfJoin: true,
  boardLabels: 'number',
};

const party = {
  id: partyId,
  queueId,
  number: 17,
  ticket,
  ticketUrl,
  name: 'Ana Lima',
  size: 2,
  lane: 'regular',
  orderKey: '8000',
  state: 'waiting',
  email,
  phone: '+351912345678',
  notes: 'Highchair',
  source: 'guest',
  seq: 41,
  position: 4,
  estimate,
  quoted: estimate,
  joinedAt: at(2),
  calledAt: null as string | null,
  callExpiresAt: null as string | null,
  confirmedAt: null as string | null,
  seatedAt: null as string | null,
  departedAt: null as string | null,
  endedAt: null as string | null,
  calls: 0,
  possibleDuplicate: false,
  notifications: [{ channel: 'email', kind: 'notify.joined', state: 'done', at: at(2, 1) }],
};
const called = {
  ...party,
  state: 'called',
  seq: 52,
  position: null,
  estimate: null,
  calledAt: at(18),
  callExpiresAt: at(23) as string | null,
  calls: 1,
};
const seated = { ...called, state: 'seated', seq: 53, seatedAt: at(20), callExpiresAt: null };
const ended = (state: string) => ({
  ...called,
  state,
  seq: 53,
  callExpiresAt: null,
  endedAt: at(23),
});

const guestParty = {
  queueId,
  queueName: queue.name,
  venueName: venue.name,
  ...look,
  text,
  endMessage,
  number: party.number,
  name: party.name,
  size: party.size,
  state: 'waiting',
  joinedAt: party.joinedAt,
  calledAt: null as string | null,
  callExpiresAt: null as string | null,
  confirmedAt: null as string | null,
  snoozesLeft: 3,
};

const position = {
  state: 'waiting',
  position: 4,
  ahead: 3,
  waiting: 4,
  estimate,
  asOf: at(2),
  seq: 41,
};

const board = {
  queueName: queue.name,
  state: 'open',
  waiting: 4,
  estimate,
  called: [{ label: '17', calledAt: at(18) }],
};

const staff = { kind: 'staff', userId: hostId };
const event = {
  id: '0198f2b5-4d5e-7f60-9172-8d9e0f1a2b09',
  seq: called.seq,
  type: 'party.called',
  time: at(18),
  actor: staff,
  reason: null,
  partyId,
  previousState: 'waiting',
  previousSize: null,
  position: null,
  override: false,
  undone: null,
  party: {
    seq: called.seq,
    state: 'called',
    lane: party.lane,
    orderKey: party.orderKey,
    number: party.number,
    size: party.size,
    source: party.source,
    calls: 1,
    joinedAt: party.joinedAt,
    calledAt: called.calledAt,
    confirmedAt: null,
    seatedAt: null,
    departedAt: null,
    endedAt: null,
  },
  queue: null,
};

const namedEvent = { ...event, actorName: host.name };

const occupancy = { occupancy: 38, capacity: 80, available: 42 };

const task = {
  id: '0198f2b5-5e6f-7071-8283-9e0f1a2b3c0a',
  kind: 'notify.called',
  partyId,
  state: 'failed',
  attempts: 3,
  lastError: 'The mail server refused the recipient.',
  runAt: at(18),
  updatedAt: at(19),
};

const figures = {
  from: '2026-11-20T05:00:00.000Z',
  to: at(30),
  timezone: venue.timezone,
  joined: 21,
  outcomes: { waiting: 4, called: 1, seated: 9, departed: 4, no_show: 1, left: 2, removed: 0 },
  seats: 34,
  waits: { count: 15, p50: 840, p90: 1_620, max: 1_980 },
  noShowRate: 0.0714,
  abandonmentRate: 0.1176,
  quoted: { guests: 14, maeSeconds: 210.5, tooLowShare: 0.4286, coverage80: 0.7857 },
  perHour: [
    {
      start: at(0),
      hour: '2026-11-20T20:00+00:00',
      joined: 21,
      served: 15,
      abandoned: 2,
      waitSecondsP50: 840,
    },
  ],
  perWeekHour: [
    {
      weekday: 5,
      hour: 20,
      joined: 21,
      served: 15,
      abandoned: 2,
      noShows: 1,
      waitSecondsP50: 840,
      waitSecondsP90: 1_620,
    },
  ],
  perQuote: [
    {
      fromSeconds: 900,
      toSeconds: 1_200,
      guests: 14,
      waitSecondsP10: 420,
      waitSecondsP50: 840,
      waitSecondsP90: 1_620,
      belowShare: 0.0714,
      aboveShare: 0.1429,
    },
  ],
};

const pending = { status: 'pending' };
const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 33 33">…</svg>';
const html = '<!doctype html><title>Stop e-mails from The Corner</title>…';
const venueEventId = '1.AZjytdDaegiKrL6wweLzBA.AZjytdDbewmbTM_A0fLzBQ16';
const stream = (name: string, data: unknown, id?: number | string) =>
  `retry: 2500\n\n${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n: still here\n\n`;

const message = {
  id: '1795204860000000',
  body: { order: 17, table: 4 },
  publishedAt: at(1),
  deliveries: 1,
};

export const examples: Readonly<Record<string, Example>> = {
  signUp: {
    request: { name: user.name, email: user.email, password, locale: user.locale },
    response: pending,
  },
  verifyUser: { request: { token: accountToken }, response: user },
  resendVerification: { request: { email: user.email }, response: pending },
  forgotPassword: { request: { email: user.email }, response: pending },
  resetPassword: { request: { token: accountToken, password } },
  getMe: { response: user },
  updateMe: { request: { locale: 'en' }, response: { ...user, locale: 'en' } },
  deleteMe: { request: { password } },
  changePassword: { request: { currentPassword: password, newPassword: `${password} staple` } },
  exportMe: {
    response: {
      exportedAt: at(30),
      account: user,
      signUps: [],
      sessions: [{ id: session.id, createdAt: session.createdAt, lastUsedAt: session.lastUsedAt }],
      memberships: [{ venueId, venueName: venue.name, role: 'owner', since: venue.createdAt }],
    },
  },

  login: { request: { email: user.email, password }, response: tokens },
  refresh: { request: { refreshToken: tokens.refreshToken }, response: tokens },
  logout: {},
  listSessions: { response: page({ ...session, current: true }) },
  endSession: {},
  getJwks: {
    response: {
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
          y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
          kid: '2026-11',
          alg: 'ES256',
          use: 'sig',
        },
      ],
    },
  },

  createVenue: {
    request: { name: venue.name, timezone: venue.timezone, locale: 'pt', capacity: 80 },
    response: { ...venue, occupancy: 0 },
  },
  listVenues: { response: page(venue) },
  getVenue: { response: venue },
  updateVenue: { request: { capacity: 90 }, response: { ...venue, capacity: 90 } },
  deleteVenue: {},
  getOccupancy: { response: occupancy },
  changeOccupancy: { request: { delta: 2 }, response: occupancy },
  listOccupancyChanges: {
    response: page({
      id: '0198f2b5-6f70-7182-9394-0f1a2b3c4d0b',
      time: at(20),
      delta: 2,
      occupancy: 38,
      partyId,
      actor: staff,
      override: false,
      reason: null,
    }),
  },

  listMembers: { response: page({ userId, name: user.name, role: 'owner' }, host) },
  updateMember: { request: { role: 'manager' }, response: { ...host, role: 'manager' } },
  removeMember: {},
  listInvitations: { response: page(invitation) },
  createInvitation: { request: { email: invitation.email, role: 'host' }, response: invitation },
  revokeInvitation: {},
  acceptInvitation: {
    request: { token: accountToken },
    response: { venueId, venueName: venue.name, userId: hostId, role: 'host' },
  },

  listApiKeys: { response: page(apiKey) },
  createApiKey: {
    request: { name: apiKey.name },
    response: { ...apiKey, key: 'qm_example-only-shown-once' },
  },
  deleteApiKey: {},

  createQueue: {
    request: { name: queue.name, text, endMessage, maxWaiting: 60, maxPartySize: 12 },
    response: { ...queue, waiting: 0, called: 0 },
  },
  listQueues: { response: page(queue) },
  getQueue: { response: queue },
  updateQueue: { request: { maxWaiting: 80 }, response: { ...queue, maxWaiting: 80 } },
  deleteQueue: {},
  openQueue: { request: {}, response: queue },
  pauseQueue: { request: {}, response: { ...queue, state: 'paused' } },
  closeQueue: {
    request: { expireWaiting: true },
    response: { ...queue, state: 'closed', waiting: 0 },
  },
  replaceJoinCode: {
    request: {},
    response: { ...queue, joinCode: 'Q4T8WZ0R5H', joinUrl: `${origin}/j/Q4T8WZ0R5H` },
  },
  getQrSvg: { response: svg },
  getQrPng: {},
  listQueueEvents: { response: { data: [namedEvent], nextCursor: 'WzUyXQ' } },
  getReport: { response: { queueId, ...figures } },
  getVenueReport: { response: { venueId, queueIds: [queueId], ...figures } },
  exportParties: {
    response:
      'number,name,size,lane,state\r\n17,Ana Lima,2,regular,seated\r\n18,Rui Costa,4,regular,waiting\r\n',
  },

  addParty: {
    request: { name: party.name, size: 2, email, phone: '912 345 678', notes: party.notes },
    response: { ...party, source: 'staff', notifications: [] },
  },
  listParties: {
    response: page(called, { ...party, id: otherPartyId, number: 18, name: 'Rui Costa' }),
  },
  getParty: { response: party },
  updateParty: { request: { size: 3 }, response: { ...party, size: 3, seq: 42 } },
  callNext: { request: { maxSize: 4 }, response: called },
  callParty: { request: {}, response: called },
  seatParty: { request: {}, response: seated },
  departParty: {
    request: {},
    response: { ...seated, state: 'departed', seq: 60, departedAt: at(59), endedAt: at(59) },
  },
  noShowParty: { request: {}, response: ended('no_show') },
  removeParty: { request: { reason: 'Asked at the door' }, response: ended('removed') },
  restoreParty: {
    request: { reason: 'Was outside' },
    response: { ...party, seq: 54, position: 1 },
  },
  moveParty: {
    request: { position: 1, reason: 'Has small children' },
    response: { ...party, seq: 43, position: 1 },
  },
  undoParty: { request: { seq: called.seq }, response: { ...party, seq: 53, position: 1 } },
  listPartyEvents: { response: page(namedEvent) },

  getJoinPage: {
    response: {
      queueId,
      venueName: venue.name,
      name: queue.name,
      text,
      state: 'open',
      full: false,
      waiting: 3,
      estimate,
      maxPartySize: 12,
      selfJoin: true,
      retentionDays: venue.retentionDays,
      ...look,
    },
  },
  joinQueue: {
    request: { name: party.name, size: 2, email, locale: 'pt' },
    response: { ticket, ticketUrl, number: party.number, position: 4, estimate },
  },
  getTicket: { response: guestParty },
  confirmComing: {
    request: {},
    response: {
      ...guestParty,
      state: 'called',
      calledAt: at(18),
      callExpiresAt: at(28),
      confirmedAt: at(19),
    },
  },
  leaveQueue: { request: {}, response: { ...guestParty, state: 'left' } },
  snooze: { request: { places: 2 }, response: { ...guestParty, snoozesLeft: 2 } },
  getUnsubscribePage: { response: html },
  unsubscribe: { response: html },

  listTasks: { response: page(task) },
  retryTask: { request: {}, response: { ...task, state: 'scheduled', lastError: null } },

  getPosition: { response: position },
  getBoard: { response: board },
  getBoardPage: { response: { venueName: venue.name, joinUrl: queue.joinUrl, ...look } },
  liveTicket: { response: stream('position', position) },
  liveBoard: { response: stream('board', board) },
  liveQueue: { response: stream('party', event, event.seq) },
  liveVenue: { response: stream('party', { ...event, queueId }, venueEventId) },

  publishMessage: { request: { order: 17, table: 4 }, response: { id: message.id } },
  consumeMessages: { response: [message] },
  deleteMessage: { response: true },
  extendMessage: { response: true },
  getBrokerStats: {
    response: {
      ready: 2,
      locked: 1,
      dead: 0,
      oldestAgeSeconds: 4,
      consumers: [{ cid: 'till', locked: 1 }],
    },
  },
  listDeadMessages: { response: page({ ...message, deliveries: 10, cid: 'till' }) },
  requeueDeadMessage: { response: { id: message.id } },

  getLiveness: { response: { status: 'alive' } },
  getReadiness: { response: { status: 'ready' } },
};
