import { consumeMessages as contract } from '@queue-manager/contracts/broker';
import { bearerOf } from '@queue-manager/service-kit/create-app';
import { remainingMs } from '@queue-manager/service-kit/limits/deadline';
import { route } from '@queue-manager/service-kit/route';
import type { FastifyReply } from 'fastify';
import type { Deps } from '../deps.ts';
import { messageJson, sendJson } from './message-json.ts';

/** What is left of a request's time for the answer after a wait. */
const answerMs = 500;

export const consumeMessages = ({ store, venues, waiting, verifyApiKey }: Deps) =>
  route(contract, async function consumeMessages(request, reply) {
    const { apiKey, query, headers } = request;
    const { venueId } = apiKey;
    const { cid, limit, visibility: visibilitySeconds } = query;
    const options = { venueId, cid: String(cid), limit, visibilitySeconds };
    const consume = () => venues.run(venueId, () => store.consume(options));
    let { messages } = await consume();
    const waitMs = Math.min(query.wait * 1_000, (remainingMs() ?? Infinity) - answerMs);
    if (messages.length === 0 && waitMs > 0) {
      const key = bearerOf(headers.authorization);
      messages = await waiting.wait(venueId, {
        // The key may have been deleted meanwhile.
        attempt: () => verifyApiKey(key).then(consume),
        waitMs,
        signal: closingOf(reply),
      });
    }
    return sendJson(reply, `[${messages.map(messageJson).join()}]`);
  });

/** Aborts when the client disconnects. */
function closingOf(reply: FastifyReply): AbortSignal {
  const closing = new AbortController();
  reply.raw.once('close', () => closing.abort());
  return closing.signal;
}
