import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { mergedOpenApi } from '@queue-manager/contracts/openapi';
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';

/** `/openapi.json`, and `/docs`: Swagger UI on it, its calls going to this very gateway. */
export async function serveDocs(
  app: FastifyInstance,
  onRequest: onRequestAsyncHookHandler,
): Promise<void> {
  const document = mergedOpenApi();
  const text = JSON.stringify(document);
  app.get('/openapi.json', { onRequest }, (_request, reply) =>
    reply.type('application/json').send(text),
  );
  // The plugin's types know versions 2 and 3.0 only; it hands the document on as it is.
  const specification = { document } as unknown as StaticDocumentSpec;
  await app.register(swagger, { mode: 'static', specification });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { displayRequestDuration: true, persistAuthorization: true, tryItOutEnabled: true },
    uiHooks: { onRequest },
    // The one page here: its own scripts and styles, pictures within them, calls to this gateway.
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
