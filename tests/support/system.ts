import assert from 'node:assert/strict';
import { type CallOptions, createClient } from '@queue-manager/client/client';
import type { Contract } from '@queue-manager/contracts/contract';
import {
  type ProblemCode,
  ProblemDetails,
  problemTypeBase,
} from '@queue-manager/contracts/problems';
import { type Mail, mailsTo } from '@queue-manager/local-stack/inbox';
import { testEnv, until } from '@queue-manager/service-kit/testing';

/** Addresses of the system under test: the gateway and the mail inbox. */
export const gatewayUrl = testEnv('GATEWAY_URL');
export const mailUrl = testEnv('MAIL_URL');

/** The API of the system under test. */
export const { call, succeed } = createClient(gatewayUrl);

/** Calls a route that must refuse with this problem, and returns the problem. */
export async function refuse<const C extends Contract>(
  code: ProblemCode,
  contract: C,
  options: CallOptions<C>,
): Promise<ProblemDetails> {
  const answer = await call(contract, options);
  const said = answer.ok ? `success (${answer.status})` : answer.problem?.type;
  assert.equal(said, problemTypeBase + code, `${contract.operationId} answered ${answer.status}`);
  if (answer.ok || answer.problem === null) throw new Error('not a problem');
  return answer.problem;
}

/** Calls a route that must refuse the request because of exactly this field. */
export async function refuseField<const C extends Contract>(
  path: string,
  contract: C,
  options: CallOptions<C>,
): Promise<void> {
  const { errors } = await refuse('validation-failed', contract, options);
  // A field may have two errors.
  assert.deepEqual([...new Set(errors?.map((error) => error.path))], [path]);
}

export type RawAnswer = { status: number; headers: Headers; text: string; json(): unknown };

/** Sends any request. A body that is not text is sent as JSON; of a stream only the first event is read. */
export async function send(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; token?: string } = {},
): Promise<RawAnswer> {
  const { body, token, headers = {} } = options;
  const answer = await fetch(new URL(path, gatewayUrl), {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    redirect: 'manual',
  });
  const text = await (isEventStream(answer) ? firstChunkOf(answer) : answer.text());
  return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) };
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** The first chunk of a stream, which is then closed. */
async function firstChunkOf({ body }: Response): Promise<string> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from(value ?? []).toString();
}

/** The problem of a raw answer; checks its whole shape. */
export function problemOf({ status, headers, json }: RawAnswer): ProblemDetails & { code: string } {
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  const problem = ProblemDetails.strict().parse(json());
  assert.equal(problem.status, status);
  assert.equal(problem.requestId, headers.get('x-request-id'));
  assert.ok(problem.type.startsWith(problemTypeBase));
  return { ...problem, code: problem.type.slice(problemTypeBase.length) };
}

/** Waits for a number of mails to an address; oldest first. */
export function awaitMails(address: string, count = 1, inboxUrl = mailUrl): Promise<Mail[]> {
  return until(
    `${count} mails came to ${address}`,
    async () => {
      const mails = await mailsTo(inboxUrl, address);
      return mails.length >= count ? mails : null;
    },
    60_000,
  );
}
