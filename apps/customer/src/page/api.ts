import {
  type Answer,
  type CallOptions,
  createClient,
  type Route,
} from '@queue-manager/client/client';
import { createServerClock } from '@queue-manager/ui/server-clock';

const client = createClient(globalThis.location?.origin ?? 'http://localhost');

/** The phone's clock may be wrong: every answer of the server sets this one. */
export const serverClock = createServerClock();

/** Calls a route. Rejects if there is no answer. */
export async function ask<const R extends Route>(
  route: R,
  options: CallOptions<R>,
): Promise<Answer<R>> {
  const answer = await client.call(route, options);
  serverClock.note(Date.parse(answer.headers.get('date') ?? ''));
  return answer;
}

/** The server cannot answer now. */
class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Reads something; null if there is no such thing. Rejects if the server cannot answer now. */
export async function read<const R extends Route>(route: R, options: CallOptions<R>) {
  const answer = await ask(route, options);
  if (answer.ok) return answer.body;
  if (answer.status === 404) return null;
  throw new Unavailable(`${answer.status}`);
}
