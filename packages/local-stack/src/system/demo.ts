import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bodyOf, type Client, createClient } from '@queue-manager/client/client';
import { createQueue, listQueues, type Queue } from '@queue-manager/contracts/queues';
import { login } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { createVenue, listVenues } from '@queue-manager/contracts/venues';
import { z } from 'zod';
import { writePrivateFile } from '../data-folder/private-file.ts';
import { mailsTo, tokenIn } from '../inbox.ts';
import { StackError } from '../stack-error.ts';

const venueName = 'The Blue Door';
const queueName = 'Tables';

/** How long the verification mail may take to reach the inbox. */
const mailMsMax = 60_000;

const Demo = z.object({
  email: z.string(),
  password: z.string(),
  /** Whether the venue and queue were created once. What you delete later is not created again. */
  complete: z.boolean(),
});
type Demo = z.infer<typeof Demo>;

const demoFile = (dataDir: string) => join(resolve(dataDir), 'demo.json');

/**
 * Records in a new data folder that it gets demo data. The plan stays until the data is complete, so that the
 * next start continues an interrupted one.
 */
export function planDemo(dataDir: string, email = 'owner@demo.queue-manager.dev'): void {
  writeDemo(dataDir, {
    email,
    password: randomBytes(12).toString('base64url'),
    complete: false,
  });
}

function writeDemo(dataDir: string, demo: Demo): void {
  writePrivateFile(demoFile(dataDir), `${JSON.stringify(demo, null, 2)}\n`);
}

/** The demo owner's account, or undefined when no demo data was planned. */
export function readDemo(dataDir: string): Demo | undefined {
  const path = demoFile(dataDir);
  if (!existsSync(path)) return undefined;
  try {
    return Demo.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new StackError(`${path} is damaged: delete it to continue without the demo owner`);
  }
}

/**
 * Creates the demo owner, venue and queue through the public API. Skips the steps that an interrupted start has
 * done.
 *
 * @throws Error when the API refuses a step or the verification mail does not arrive.
 */
export async function makeDemo(dataDir: string, gatewayUrl: string, mailUrl: string) {
  const demo = readDemo(dataDir);
  if (!demo || demo.complete) return;
  const client = createClient(gatewayUrl);
  const token = (await signIn(client, demo)) ?? (await openOwner(client, mailUrl, demo));
  const venue =
    (await findVenue(client, token)) ??
    (await client.succeed(createVenue, {
      token,
      body: { name: venueName, timezone: 'Europe/Lisbon' },
    }));
  const params = { venueId: venue.id };
  const { data: queues } = await client.succeed(listQueues, { token, params });
  if (queues.length === 0) {
    await client.succeed(createQueue, { token, params, body: { name: queueName } });
  }
  writeDemo(dataDir, { ...demo, complete: true });
}

/** The demo queue; undefined when its owner has changed their password or deleted it since. */
export async function demoQueue(gatewayUrl: string, demo: Demo): Promise<Queue | undefined> {
  const client = createClient(gatewayUrl);
  const token = await signIn(client, demo);
  if (token === undefined) return undefined;
  const venue = await findVenue(client, token);
  if (venue === undefined) return undefined;
  const queues = await client.succeed(listQueues, { token, params: { venueId: venue.id } });
  return queues.data[0];
}

async function findVenue(client: Client, token: string) {
  const venues = await client.succeed(listVenues, { token });
  return venues.data.find(({ name }) => name === venueName);
}

/** An access token, or undefined when the account does not exist or has another password. */
async function signIn(client: Client, { email, password }: Demo): Promise<string | undefined> {
  const answer = await client.call(login, { body: { email, password } });
  return answer.status === 401 ? undefined : bodyOf(login, answer).accessToken;
}

async function openOwner(client: Client, mailUrl: string, demo: Demo): Promise<string> {
  const { email, password } = demo;
  // A start that was interrupted after the sign-up left a mail whose link still works.
  for (const token of await mailedTokens(mailUrl, email)) {
    await client.call(verifyUser, { body: { token } });
  }
  const known = await signIn(client, demo);
  if (known !== undefined) return known;

  const old = new Set(await mailedTokens(mailUrl, email));
  await client.succeed(signUp, { body: { name: 'Demo Owner', email, password, locale: 'en' } });
  const deadline = Date.now() + mailMsMax;
  for (;;) {
    const token = (await mailedTokens(mailUrl, email)).find((mailed) => !old.has(mailed));
    if (token !== undefined) {
      await client.succeed(verifyUser, { body: { token } });
      break;
    }
    if (Date.now() > deadline) throw new Error('the verification mail did not arrive');
    await delay(100);
  }
  return (await client.succeed(login, { body: { email, password } })).accessToken;
}

/** Tokens of the links in the mails to an address. */
async function mailedTokens(mailUrl: string, address: string): Promise<string[]> {
  return (await mailsTo(mailUrl, address)).flatMap((mail) => tokenIn(mail) ?? []);
}
