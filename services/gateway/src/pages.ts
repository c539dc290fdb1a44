import { access } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { guestPages } from '@queue-manager/contracts/pages';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** What a page may load and do. The browser applies the policy of a service worker's own response to that worker. */
const policy = [
  "default-src 'none'",
  "base-uri 'none'",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "manifest-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "worker-src 'self'",
].join(';');

/** The names of assets hold a hash of their content; everything else is asked for again, which costs a 304. */
const yearSeconds = 365 * 24 * 60 * 60;
const forever = `public, max-age=${yearSeconds}, immutable`;
const revalidated = 'no-cache';

/** A build takes a few seconds. */
const retryAfterSeconds = 2;
const beingBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${retryAfterSeconds}">
<title>Queue Manager</title>
<p>This page is being built. It appears here in a few seconds.</p>
</html>
`;

/**
 * Serves the guests' app from the folder of its build, which may still be missing or be replaced at any time. Its files
 * have no rate limit: a whole venue shares one address, and sending a file costs no more than refusing to.
 */
export async function servePages(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, {
      root: folder,
      serve: false,
      index: false,
      cacheControl: false,
      preCompressed: true,
      suppressWarning: true,
    });
    scope.addHook('onRequest', (_request, reply, done) => {
      reply.header('content-security-policy', policy);
      done();
    });

    const sendPage = async (_request: unknown, reply: FastifyReply) => {
      if (await isMissing(join(folder, 'index.html'))) {
        return reply
          .code(503)
          .header('retry-after', retryAfterSeconds)
          .header('cache-control', 'no-store')
          .type('text/html; charset=utf-8')
          .send(beingBuilt);
      }
      return reply.header('cache-control', revalidated).sendFile('index.html');
    };
    for (const url of Object.values(guestPages)) {
      scope.get(url, sendPage);
      if (!url.endsWith('/')) scope.get(`${url}/`, sendPage);
    }

    const sendFiles = (url: string, subfolder: string, cacheControl: string) =>
      scope.get<{ Params: { file: string } }>(url, async ({ params: { file } }, reply) => {
        const path = join(subfolder, file);
        if (await isMissing(join(folder, path))) return reply.callNotFound();
        return reply.header('cache-control', cacheControl).sendFile(path);
      });
    sendFiles('/assets/:file(^[\\w-][\\w.-]*$)', 'assets', forever);
    // The service worker, the manifest and the icons.
    sendFiles('/:file(^[\\w-]+\\.(?:js|png|svg|webmanifest)$)', '', revalidated);
  });
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch {
    return true;
  }
}
