import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { mergedOpenApi } from '@queue-manager/contracts/openapi/openapi';
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';

/** Serves `/openapi.json`, and Swagger UI at `/docs`, with this gateway as the server. */
export async function serveDocs(
  app: FastifyInstance,
  onRequest: onRequestAsyncHookHandler,
): Promise<void> {
  const document = mergedOpenApi();
  const text = JSON.stringify(document);
  app.get('/openapi.json', { onRequest }, (_request, reply) =>
    reply.type('application/json').send(text),
  );
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
