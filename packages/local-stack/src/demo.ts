import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contract } from '@queue-manager/contracts/contract';
import { createQueue, listQueues } from '@queue-manager/contracts/queues';
import { login } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { createVenue, listVenues } from '@queue-manager/contracts/venues';
import { z } from 'zod';
import { type CallOptions, callApi, type Success } from './api-call.ts';
import { mailsTo, tokenIn } from './inbox.ts';
import { StackError } from './stack-error.ts';
import { writeFileDurably } from './write-file.ts';

const venueName = 'The Blue Door';
const queueName = 'Tables';

/** How long the verification mail may take to reach the inbox. */
const mailWithinMs = 60_000;

const Demo = z.object({
  email: z.string(),
  password: z.string(),
  /** Whether its venue and queue were made once; what a person deletes later stays deleted. */
  complete: z.boolean(),
});
type Demo = z.infer<typeof Demo>;

const demoFile = (dataDir: string) => join(resolve(dataDir), 'demo.json');

/**
 * Notes in a data folder that is about to be used for the first time that it gets demo data. Kept
 * until the data is complete, so that an interrupted first start is taken up by the next one.
 */
export function planDemo(dataDir: string, email = 'owner@demo.queue-manager.dev'): void {
  writeDemo(dataDir, {
    email,
    password: randomBytes(12).toString('base64url'),
    complete: false,
  });
}

function writeDemo(dataDir: string, demo: Demo): void {
  writeFileDurably(demoFile(dataDir), `${JSON.stringify(demo, null, 2)}\n`);
}

/** The demo owner's account, or undefined where no demo data was ever planned. */
export function readDemo(dataDir: string): Demo | undefined {
  const path = demoFile(dataDir);
  if (!existsSync(path)) return undefined;
  try {
    return Demo.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new StackError(`${path} is damaged: delete it to go on without the demo owner`);
  }
}

/**
 * Makes the demo owner, venue and queue through the public API, step by step; steps that were done
 * by an interrupted earlier start are left as they are.
 *
 * @throws Error when the API answers in an unexpected way or the mail does not come.
 */
export async function makeDemo(dataDir: string, gatewayUrl: string, mailUrl: string) {
  const demo = readDemo(dataDir);
  if (!demo || demo.complete) return;
  const token = (await logIn(gatewayUrl, demo)) ?? (await makeOwner(gatewayUrl, mailUrl, demo));
  const venue =
    (await findVenue(gatewayUrl, token)) ??
    (await call(gatewayUrl, createVenue, {
      token,
      body: { name: venueName, timezone: 'Europe/Lisbon' },
    }));
  const queues = await call(gatewayUrl, listQueues, { token, params: { venueId: venue.id } });
  if (queues.data.length === 0) {
    await call(gatewayUrl, createQueue, {
      token,
      params: { venueId: venue.id },
      body: { name: queueName },
    });
  }
  writeDemo(dataDir, { ...demo, complete: true });
}

/** Where guests join the demo queue; undefined when its owner has changed or deleted things since. */
export async function demoJoinUrl(gatewayUrl: string, demo: Demo): Promise<string | undefined> {
  const token = await logIn(gatewayUrl, demo);
  if (token === undefined) return undefined;
  const venue = await findVenue(gatewayUrl, token);
  if (venue === undefined) return undefined;
  const queues = await call(gatewayUrl, listQueues, { token, params: { venueId: venue.id } });
  return queues.data[0]?.joinUrl;
}

async function findVenue(gatewayUrl: string, token: string) {
  const venues = await call(gatewayUrl, listVenues, { token });
  return venues.data.find((venue) => venue.name === venueName);
}

/** An access token, or undefined when there is no such account or it has another password. */
async function logIn(gatewayUrl: string, demo: Demo): Promise<string | undefined> {
  const { email, password } = demo;
  const answer = await callApi(gatewayUrl, login, { body: { email, password } });
  if (answer.ok) return answer.body.accessToken;
  if (answer.status === 401) return undefined;
  throw new Error(`signing in was answered with ${answer.status}`);
}

async function makeOwner(gatewayUrl: string, mailUrl: string, demo: Demo): Promise<string> {
  const { email, password } = demo;
  // A start that ended after signing up left a mail whose link is still good.
  for (const token of await mailedTokens(mailUrl, email)) {
    await callApi(gatewayUrl, verifyUser, { body: { token } });
  }
  const known = await logIn(gatewayUrl, demo);
  if (known !== undefined) return known;

  const before = new Set(await mailedTokens(mailUrl, email));
  await call(gatewayUrl, signUp, { body: { name: 'Demo Owner', email, password, locale: 'en' } });
  const deadline = Date.now() + mailWithinMs;
  for (;;) {
    const token = (await mailedTokens(mailUrl, email)).find((mailed) => !before.has(mailed));
    if (token !== undefined) {
      await call(gatewayUrl, verifyUser, { body: { token } });
      break;
    }
    if (Date.now() > deadline) throw new Error('the verification mail did not come');
    await sleep(100);
  }
  const token = await logIn(gatewayUrl, demo);
  if (token === undefined) throw new Error('the demo owner cannot sign in');
  return token;
}

/** Tokens of the links in the mails to an address. */
async function mailedTokens(mailUrl: string, address: string): Promise<string[]> {
  return (await mailsTo(mailUrl, address)).flatMap((mail) => tokenIn(mail) ?? []);
}

/** Calls a route that has to succeed. */
async function call<const C extends Contract>(
  gatewayUrl: string,
  contract: C,
  options: CallOptions<C>,
): Promise<Success<C>> {
  const answer = await callApi(gatewayUrl, contract, options);
  if (answer.ok) return answer.body;
  const said = answer.problem ? `: ${answer.problem.detail}` : '';
  throw new Error(`${contract.operationId} was answered with ${answer.status}${said}`);
}
