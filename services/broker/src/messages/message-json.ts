import type { FastifyReply } from 'fastify';
import { type DeadMessage, publishedAtOf, type StoredMessage } from '../store/message-store.ts';

/** A message as its contract says. Its body is JSON already: parsing and writing it again would cost time and digits. */
export function messageJson(message: StoredMessage | DeadMessage): string {
  const { id, body, deliveries } = message;
  const publishedAt = publishedAtOf(id).toISOString();
  const cid = 'cid' in message ? `,"cid":${JSON.stringify(message.cid)}` : '';
  return `{"id":"${id}","body":${body},"publishedAt":"${publishedAt}","deliveries":${deliveries}${cid}}`;
}

/** Sends JSON that is written already, as what the handler of a contract returns. */
export function sendJson(reply: FastifyReply, json: string): never {
  return reply.type('application/json').send(json) as never;
}
