import { jsonText } from '@queue-manager/service-kit/create-app';
import { invalidField } from '@queue-manager/service-kit/problems';
import type { FastifyInstance } from 'fastify';

/**
 * Makes routes get a JSON body as its text, which is kept as it came: numbers keep their digits, and no depth of arrays
 * is too much.
 */
export function takeJsonText(app: FastifyInstance): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const text = jsonText(body as Buffer, request.headers['content-type']).trim();
      if (text !== '') assertJson(text);
      done(null, text);
    } catch (error) {
      done(error as Error);
    }
  });
}

function assertJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw invalidField('body', 'is not valid JSON');
  }
}
