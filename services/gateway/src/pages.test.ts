import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { guestPages, pageUrl } from '@queue-manager/contracts/pages';
import {
  type Gateway,
  gatewayEnvironment,
  type RawAnswer,
  rawRequest,
  startGateway,
  startUpstreams,
  type Upstreams,
} from './testing.ts';

const html = '<!doctype html><title>The app</title>';
const script = 'export const answer = 42;';
const pages = Object.keys(guestPages) as (keyof typeof guestPages)[];
const pathOf = (page: keyof typeof guestPages) => pageUrl('', page, 'ABC234');

describe('pages of the gateway', () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'queue-manager-pages-'));
    upstreams = await startUpstreams();
    gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      CUSTOMER_APP_DIR: join(folder, 'dist'),
      BACKOFFICE_APP_DIR: join(folder, 'backoffice'),
      RATE_LIMIT_ADDRESS_PER_MINUTE: '1',
    });
  });
  after(async () => {
    await gateway.app.close();
    await upstreams.close();
    rmSync(folder, { recursive: true });
  });

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    rawRequest(gateway.port, { path, headers, method });

  function assertPolicy({ headers }: RawAnswer): void {
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /(^|;)default-src 'none'(;|$)/);
    assert.match(policy, /(^|;)script-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }

  it('asks to come back in a moment while the app is being built', async () => {
    for (const path of [...pages.map(pathOf), '/backoffice/sign-in']) {
      const answer = await get(path);
      assert.equal(answer.status, 503);
      assert.match(String(answer.headers['content-type']), /^text\/html/);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.ok(Number(answer.headers['retry-after']) > 0);
      assert.match(answer.body, /being built/);
      assertPolicy(answer);
    }
    const missing = await get('/sw.js');
    assert.equal(missing.status, 404);
    assert.equal(missing.headers['content-type'], 'application/problem+json');
  });

  describe('once the app is built', () => {
    before(() => {
      const dist = join(folder, 'dist');
      mkdirSync(join(dist, 'assets'), { recursive: true });
      const write = (name: string, text: string) => {
        writeFileSync(join(dist, name), text);
        writeFileSync(join(dist, `${name}.br`), brotliCompressSync(text));
      };
      write('index.html', html);
      write('sw.js', script);
      write('manifest.webmanifest', '{}');
      write('assets/index-C72C6a51.js', script);
      writeFileSync(join(dist, '.sources'), 'hash');
      writeFileSync(join(folder, 'secret.js'), 'secret');
    });

    it('sends the app for every page, to be revalidated', async () => {
      for (const page of pages) {
        for (const path of new Set([pathOf(page), `${pathOf(page)}?from=qr`])) {
          const answer = await get(path);
          assert.equal(answer.status, 200);
          assert.equal(answer.body, html);
          assert.match(String(answer.headers['content-type']), /^text\/html; charset=utf-8$/i);
          assert.equal(answer.headers['cache-control'], 'no-cache');
          assertPolicy(answer);
        }
      }
      const { headers } = await get('/');
      const again = await get('/', { 'if-none-match': String(headers.etag) });
      assert.equal(again.status, 304);
      assert.equal(again.body, '');
    });

    it('sends the service worker with its policy, and assets to be kept for a year', async () => {
      const worker = await get('/sw.js');
      assert.match(String(worker.headers['content-type']), /javascript/);
      assert.equal(worker.headers['cache-control'], 'no-cache');
      assertPolicy(worker);
      const manifest = await get('/manifest.webmanifest');
      assert.match(String(manifest.headers['content-type']), /^application\/manifest\+json/);
      const asset = await get('/assets/index-C72C6a51.js');
      assert.equal(asset.body, script);
      assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
    });

    it('sends the copy that the build has compressed', async () => {
      const answer = await fetch(new URL('/assets/index-C72C6a51.js', gateway.url), {
        headers: { 'accept-encoding': 'br, gzip' },
      });
      assert.equal(answer.headers.get('content-encoding'), 'br');
      assert.equal(answer.headers.get('vary')?.toLowerCase().includes('accept-encoding'), true);
      assert.equal(await answer.text(), script);
      assert.equal(Number(answer.headers.get('content-length')), brotliCompressSync(script).length);
    });

    it('answers HEAD like GET, without a body', async () => {
      for (const path of ['/', '/j/ABC234', '/sw.js', '/assets/index-C72C6a51.js']) {
        const answer = await get(path, {}, 'HEAD');
        assert.equal(answer.status, 200, path);
        assert.equal(answer.body, '');
        const { headers } = await get(path);
        assert.equal(answer.headers['content-length'], headers['content-length']);
        assert.equal(answer.headers['content-type'], headers['content-type']);
      }
    });

    it('refuses other methods with the allowed ones', async () => {
      const answer = await get('/j/ABC234', {}, 'POST');
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS');
    });

    it('sends nothing but the files of the app', async () => {
      for (const path of [
        '/index.html',
        '/sw.js.br',
        '/.sources',
        '/secret.js',
        '/..%2fsecret.js',
        '/assets/..%2f..%2fsecret.js',
        '/assets/../../secret.js',
        '/assets/..',
        '/assets/',
        '/assets/none-C72C6a51.js',
        '/j',
        '/j/a/b',
        '/t/%E0%A4%A',
        `/t/${'x'.repeat(600)}`,
      ]) {
        const answer = await get(path);
        assert.equal(answer.status, 404, path);
        assert.equal(answer.headers['content-type'], 'application/problem+json', path);
      }
    });

    it('neither counts nor limits pages for the guests of one address', async () => {
      for (let call = 0; call < 5; call += 1) assert.equal((await get('/b/ABC234')).status, 200);
      assert.equal((await get('/v1/join/ABC234')).status, 200);
      assert.equal((await get('/v1/join/ABC234')).status, 429);
      assert.equal((await get('/j/ABC234')).status, 200);
    });

    describe('the backoffice', () => {
      const page =
        '<base href="/backoffice/"><qm-root ngCspNonce="CSP_NONCE"><link nonce="CSP_NONCE">';
      before(() => {
        const dist = join(folder, 'backoffice');
        mkdirSync(dist);
        const write = (name: string, text: string) => writeFileSync(join(dist, name), text);
        write('index.html', page);
        write('chunk-B_a0sLSH.js', script);
        write('sw.js', script);
        write('manifest.webmanifest', '{}');
        write('.sources', 'hash');
      });

      it('gets its page at every path without a file extension, each time with another nonce', async () => {
        const nonces = new Set();
        const paths = ['', '/', '/sign-in', '/venues/0199/stand', '/verify?token=a.b'];
        for (const path of paths) {
          const answer = await get(`/backoffice${path}`);
          assert.equal(answer.status, 200, path);
          assert.match(String(answer.headers['content-type']), /^text\/html; charset=utf-8$/i);
          assert.equal(answer.headers['cache-control'], 'no-cache');
          // A page from the cache would have an older nonce than the policy.
          assert.equal(answer.headers.etag, undefined);
          assert.equal(answer.headers['last-modified'], undefined);
          const policy = String(answer.headers['content-security-policy']);
          const [, nonce = ''] = /style-src 'self' 'nonce-([\w-]{22})'/.exec(policy) ?? [];
          assert.match(policy, /base-uri 'self';.*script-src 'self';/);
          assert.equal(answer.body, page.replaceAll('CSP_NONCE', nonce));
          assertPolicy(answer);
          nonces.add(nonce);
        }
        assert.equal(nonces.size, paths.length);
      });

      it('gets its files: those with a hash in their name for a year', async () => {
        const asset = await get('/backoffice/chunk-B_a0sLSH.js');
        assert.equal(asset.body, script);
        assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
        for (const name of ['sw.js', 'manifest.webmanifest']) {
          const file = await get(`/backoffice/${name}`);
          assert.equal(file.status, 200, name);
          assert.equal(file.headers['cache-control'], 'no-cache');
          assertPolicy(file);
        }
      });

      it('gets nothing else', async () => {
        for (const path of [
          '/backoffice/index.html',
          '/backoffice/.sources',
          '/backoffice/none-MBVBJQVQ.js',
          '/backoffice/..%2fsecret.js',
          '/backoffice/../secret.js',
          '/backoffice/media/..%2f..%2fsecret.js',
          '/backoffices',
        ]) {
          const answer = await get(path);
          assert.equal(answer.status, 404, path);
          assert.equal(answer.headers['content-type'], 'application/problem+json', path);
        }
        const refused = await get('/backoffice/sign-in', {}, 'POST');
        assert.equal(refused.status, 405);
        assert.equal(refused.headers.allow, 'GET, HEAD, OPTIONS');
      });
    });

    it('leaves the policy of API responses as it was', async () => {
      const { headers } = await get('/v1/nothing');
      assert.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'");
    });
  });
});
