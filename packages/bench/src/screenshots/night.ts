import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '@queue-manager/client/client';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { demoQueue, makeDemo, planDemo, readDemo } from '@queue-manager/local-stack/system/demo';
import type { System } from '@queue-manager/local-stack/system/system';
import { createConnection } from 'mysql2/promise';

export type Account = { email: string; password: string };

/** A small night in the demo venue. */
export type Night = {
  owner: Account;
  venueId: string;
  queueId: string;
  joinCode: string;
  /** Of the guest of the pictures, seventh in line. */
  ticket: string;
  callUpToTheGuest(): Promise<void>;
  /** Goes on to a full evening, as staff see it. */
  fill(): Promise<void>;
};

const ahead = ['Inês Vaz', 'Hugo Weber', 'Grace Evans', 'Nuno Pires', 'Marta Reis', 'Eva Novak'];
const behind = ['Pedro Dias', 'Yara Costa', 'Karim Okafor'];
/** The queue of the pictures of the stand. */
export const eveningQueue = 'Dining room';
/** Who waits there: since when, in minutes, and what is noted. */
const evening: [
  name: string,
  size: number,
  minutes: number,
  more?: { notes?: string; email?: string; lane?: 'priority' },
][] = [
  ['Sofia Mendes', 2, 41],
  ['Tom Baker', 4, 38, { notes: 'High chair' }],
  ['Lea Fischer', 2, 33],
  ['Omar Haddad', 6, 31, { notes: 'Birthday, cake in the fridge' }],
  ['Chiara Conti', 3, 26],
  ['Paul Meyer', 2, 22],
  ['Rita Sousa', 5, 17, { notes: 'Wheelchair' }],
  ['Jonas Berg', 2, 12],
  ['Maya Levy', 4, 8],
  ['Beatriz Amaral', 4, 14, { lane: 'priority', notes: 'Regular guest' }],
  ['Diego Ruiz', 2, 5],
];
const seated = [
  ['Nina Petrova', 2, 58],
  ['Liam Murphy', 4, 52],
  ['Clara Nunes', 3, 47],
] as const;
/** Parties that came earlier: after how many minutes they were called, and what became of them. */
const earlier: [size: number, minutes: number, end: 'seated' | 'departed' | 'no-show' | 'left'][] =
  [
    [2, 11, 'departed'],
    [4, 18, 'departed'],
    [2, 24, 'departed'],
    [3, 21, 'no-show'],
    [6, 47, 'seated'],
    [2, 29, 'seated'],
    [5, 44, 'seated'],
    [2, 27, 'left'],
    [4, 36, 'seated'],
    [3, 33, 'seated'],
    [2, 19, 'departed'],
    [4, 39, 'seated'],
    [2, 26, 'seated'],
    [2, 31, 'seated'],
    [4, 41, 'seated'],
    [2, 23, 'no-show'],
  ];

/** A time zone in which it is evening now, so that the pictures are of an evening. */
export const timezone = (() => {
  const offset = ((20 - new Date().getUTCHours() + 36) % 24) - 12;
  return `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
})();

export async function playNight(system: System, dataDir: string): Promise<Night> {
  const { gatewayUrl, mailUrl = '', env } = system;
  planDemo(dataDir);
  await makeDemo(dataDir, gatewayUrl, mailUrl);
  const demo = readDemo(dataDir);
  const queue = demo && (await demoQueue(gatewayUrl, demo));
  if (demo === undefined || queue === undefined) throw new Error('there is no demo queue');
  const client = createClient(gatewayUrl);
  const { succeed } = client;
  const { email, password } = demo;
  const { accessToken: token } = await succeed('login', { body: { email, password } });
  const { id: queueId, venueId, joinCode } = queue;
  const ofQueue = { token, params: { queueId } };
  const ofVenue = { token, params: { venueId } };
  await succeed('updateVenue', { ...ofVenue, body: { timezone, capacity: 80 } });
  const text = 'The kitchen is open until 23:00. Wait at the bar, or take a walk along the river.';
  await succeed('updateQueue', { ...ofQueue, body: { text } });
  const add = (name: string, size = 2) => succeed('addParty', { ...ofQueue, body: { name, size } });
  const first: { id: string }[] = [];
  for (const name of ahead) first.push(await add(name));
  const guest = await add('Ana Lima', 3);
  first.push(guest);
  for (const name of behind) await add(name);

  async function fill(): Promise<void> {
    // The calls of the other queue follow each other in a moment: nobody would be expected to wait there.
    const room = await succeed('createQueue', { ...ofVenue, body: { name: eveningQueue } });
    // Nobody can have joined before the queue was created.
    const database = await createConnection(env.MYSQL_URL ?? '');
    await database.query('UPDATE queues SET created_at = created_at - INTERVAL 4 HOUR');
    await database.end();
    const colleague = await hire(client, mailUrl, ofVenue);
    const addAt = (to: string, name: string, size: number, minutes: number, more = {}) => {
      const joinedAt = new Date(Date.now() - minutes * 60_000).toISOString();
      const body = { name, size, joinedAt, ...more };
      return succeed('addParty', { token: colleague, params: { queueId: to }, body });
    };
    for (const { id } of first) await succeed('seatParty', { token, params: { partyId: id } });
    for (const [index, [size, minutes, end]] of earlier.entries()) {
      const { id } = await addAt(queueId, `Guest ${index + 1}`, size, minutes);
      const ofParty = { token: index % 2 === 0 ? token : colleague, params: { partyId: id } };
      if (end === 'left') {
        await succeed('removeParty', ofParty);
        continue;
      }
      await succeed('callParty', ofParty);
      await succeed(end === 'no-show' ? 'noShowParty' : 'seatParty', ofParty);
      if (end === 'departed') await succeed('departParty', ofParty);
    }
    for (const [name, size, minutes] of seated) {
      const { id } = await addAt(room.id, name, size, minutes);
      await succeed('seatParty', { token: colleague, params: { partyId: id } });
    }
    const waiting = [];
    for (const [name, size, minutes, more] of evening) {
      waiting.push(await addAt(room.id, name, size, minutes, more));
    }
    for (const { id } of waiting.slice(0, 2)) {
      await succeed('callParty', { token: colleague, params: { partyId: id } });
    }
    for (const [delta, by] of [
      [2, colleague],
      [4, token],
      [-2, colleague],
      [1, colleague],
    ] as const) {
      await succeed('changeOccupancy', { ...ofVenue, token: by, body: { delta } });
    }
  }

  return {
    owner: { email, password },
    venueId,
    queueId,
    joinCode,
    ticket: guest.ticket,
    async callUpToTheGuest() {
      for (const _ of first) await succeed('callNext', { ...ofQueue, body: {} });
    },
    fill,
  };
}

/** The access token of another host of the venue. */
async function hire(
  { succeed }: Client,
  mailUrl: string,
  ofVenue: { token: string; params: { venueId: string } },
): Promise<string> {
  const account = { email: 'host@demo.queue-manager.dev', password: 'pictures of an evening' };
  await succeed('signUp', { body: { ...account, name: 'Rui Costa', locale: 'en' } });
  await succeed('verifyUser', { body: { token: await mailed(1) } });
  const { accessToken: token } = await succeed('login', { body: account });
  await succeed('createInvitation', { ...ofVenue, body: { email: account.email, role: 'host' } });
  await succeed('acceptInvitation', { token, body: { token: await mailed(2) } });
  return token;

  /** The token in the nth mail. */
  async function mailed(nth: number): Promise<string> {
    for (;;) {
      const mail = (await mailsTo(mailUrl, account.email))[nth - 1];
      const found = mail && tokenIn(mail);
      if (found !== undefined) return found;
      await delay(100);
    }
  }
}
