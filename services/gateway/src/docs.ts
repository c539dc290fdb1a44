import { hash } from 'node:crypto';
import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { mergedOpenApi } from '@queue-manager/contracts/openapi/openapi';
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';

const document = mergedOpenApi();

/** Serves `/openapi.json`. */
export function serveOpenApi(app: FastifyInstance, onRequest: onRequestAsyncHookHandler): void {
  const text = JSON.stringify(document);
  const etag = `W/"${hash('sha256', text, 'base64url')}"`;
  app.get('/openapi.json', { onRequest }, (request, reply) => {
    reply.header('etag', etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
    return reply.type('application/json').send(text);
  });
}

/** Serves Swagger UI at `/docs`, with this gateway as the server. */
export async function serveDocs(
  app: FastifyInstance,
  onRequest: onRequestAsyncHookHandler,
): Promise<void> {
  // The plugin's types know OpenAPI 2 and 3.0 only; it serves the document unchanged.
  const specification = { document } as unknown as StaticDocumentSpec;
  await app.register(swagger, { mode: 'static', specification });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { displayRequestDuration: true, persistAuthorization: true, tryItOutEnabled: true },
    uiHooks: { onRequest },
    // The only HTML page: its own scripts and styles, inline images, and calls to this gateway.
    staticCSP: {
      'default-src': "'none'",
      'base-uri': "'none'",
      'connect-src': "'self'",
      'font-src': "'self' data:",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      'img-src': "'self' data:",
      'script-src': "'self'",
      'style-src': "'self' 'unsafe-inline'",
    },
  });
}
