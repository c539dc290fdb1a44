import { randomBytes } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { backofficePath, guestPages } from '@queue-manager/contracts/pages';
import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  backofficeFilePolicy,
  backofficePolicy,
  forever,
  guestPolicy,
  revalidated,
} from './page-policies.ts';

/** Stands for the nonce in the backoffice's page. */
const noncePlaceholder = /CSP_NONCE/g;

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
 * Serves the web apps from the folders of their builds, which may still be missing or be replaced at any time. Their
 * files have no rate limit: a whole venue shares one address, and sending a file costs no more than refusing to.
 */
export async function servePages(
  app: FastifyInstance,
  folders: { customer: string; backoffice: string },
): Promise<void> {
  await serveApp(app, folders.customer, guestPolicy, serveGuestPages);
  await serveApp(app, folders.backoffice, backofficeFilePolicy, serveBackoffice);
}

type ServeFiles = (scope: FastifyInstance, folder: string) => void;

/** Serves an app with its policy in an own scope, in which `sendFile` sends from its folder. */
async function serveApp(
  app: FastifyInstance,
  folder: string,
  policy: string,
  serveFiles: ServeFiles,
): Promise<void> {
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
    serveFiles(scope, folder);
  });
}

const serveGuestPages: ServeFiles = (scope, folder) => {
  const sendPage = async (_request: unknown, reply: FastifyReply) => {
    if (await isMissing(join(folder, 'index.html'))) return sendBeingBuilt(reply);
    return reply.header('cache-control', revalidated).sendFile('index.html');
  };
  for (const url of Object.values(guestPages)) {
    scope.get(url, sendPage);
    if (!url.endsWith('/')) scope.get(`${url}/`, sendPage);
  }

  const sendFiles = (url: string, subfolder: string, cacheControl: string) =>
    scope.get<{ Params: { file: string } }>(url, async ({ params: { file } }, reply) =>
      sendFile(reply, folder, join(subfolder, file), cacheControl),
    );
  sendFiles('/assets/:file(^[\\w-][\\w.-]*$)', 'assets', forever);
  // The service worker, the manifest and the icons.
  sendFiles('/:file(^[\\w-]+\\.(?:js|png|svg|webmanifest)$)', '', revalidated);
};

const backofficeFile = /^(?:media\/)?[\w-]+\.(?:css|js|png|svg|webmanifest|woff2)$/;
const hashedName = /-[\w-]{8}\.(?:css|js)$/;

/** The app itself knows its pages: each path without a file extension is one. */
const serveBackoffice: ServeFiles = (scope, folder) => {
  const sendPage = async (_request: unknown, reply: FastifyReply) => {
    const page = await readIfThere(join(folder, 'index.html'));
    if (page === null) return sendBeingBuilt(reply);
    const nonce = randomBytes(16).toString('base64url');
    return (
      reply
        .header('content-security-policy', backofficePolicy(nonce))
        // Without a validator: a 304 would bring the policy with another nonce to the page from the cache.
        .header('cache-control', revalidated)
        .type('text/html; charset=utf-8')
        .send(page.replaceAll(noncePlaceholder, nonce))
    );
  };
  scope.get(backofficePath, sendPage);
  scope.get<{ Params: { '*': string } }>(`${backofficePath}/*`, async (request, reply) => {
    const path = request.params['*'];
    if (!/\.[^/]*$/.test(path)) return sendPage(request, reply);
    if (!backofficeFile.test(path)) return reply.callNotFound();
    return sendFile(reply, folder, path, hashedName.test(path) ? forever : revalidated);
  });
};

function sendBeingBuilt(reply: FastifyReply) {
  return reply
    .code(503)
    .header('retry-after', retryAfterSeconds)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(beingBuilt);
}

async function sendFile(reply: FastifyReply, folder: string, path: string, cacheControl: string) {
  if (await isMissing(join(folder, path))) return reply.callNotFound();
  return reply.header('cache-control', cacheControl).sendFile(path);
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch {
    return true;
  }
}
