import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { repositoryRoot } from '../repository.ts';
import { buildApps } from './build-apps.ts';

/** A copy of what the app is built from. */
const root = mkdtempSync(join(tmpdir(), 'queue-manager-build-'));
const app = join(root, 'apps/customer');
const dist = join(app, 'dist');
before(() => {
  for (const path of ['apps', 'packages/client', 'packages/contracts', 'packages/ui']) {
    const filter = (source: string) => !/\/(node_modules|dist[^/]*|\.angular)$/.test(source);
    cpSync(join(repositoryRoot, path), join(root, path), { recursive: true, filter });
  }
  for (const file of ['tsconfig.json', 'package.json', 'package-lock.json']) {
    cpSync(join(repositoryRoot, file), join(root, file));
  }
  for (const folder of ['node_modules', 'apps/backoffice/node_modules']) {
    symlinkSync(join(repositoryRoot, folder), join(root, folder));
  }
});
after(() => rmSync(root, { recursive: true }));

/** Builds, and returns the lines that were logged. */
async function build(): Promise<string[]> {
  const lines: string[] = [];
  await buildApps((line) => lines.push(line), undefined, root);
  return lines;
}

suite('the build of the apps', () => {
  test('makes hashed files with compressed copies, and nothing inline', async () => {
    assert.deepEqual(await build(), ['Building apps/customer …', 'Building apps/backoffice …']);
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    const assets = readdirSync(join(dist, 'assets')).filter((name) => /\.(js|css)$/.test(name));
    assert.ok(assets.length >= 4);
    for (const name of assets) {
      assert.match(name, /-[\w-]{8}\.(js|css)$/);
      const content = readFileSync(join(dist, 'assets', name));
      if (!existsSync(join(dist, 'assets', `${name}.br`))) assert.ok(content.length < 512);
      else {
        const copy = (end: string) => readFileSync(join(dist, 'assets', `${name}.${end}`));
        assert.deepEqual(brotliDecompressSync(copy('br')), content);
        assert.deepEqual(gunzipSync(copy('gz')), content);
      }
    }
  });

  test('loads at most 90 kB of scripts for a page of guests', () => {
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path]) =>
      readFileSync(join(dist, `${path}.br`)),
    );
    const bytes = scripts.reduce((total, { length }) => total + length, 0);
    assert.ok(bytes > 50_000 && bytes <= 90_000, `${bytes} bytes`);
  });

  test('makes a backoffice with a place for the nonce of its styles, and at most 120 kB of first scripts', () => {
    const folder = join(root, 'apps/backoffice/dist');
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    assert.match(html, /<base href="\/backoffice\/">/);
    assert.match(html, /<qm-root ngcspnonce="CSP_NONCE">/i);
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    const names = [...html.matchAll(/(?:src|href)="([^"/]+\.js)"/g)].map(([, name]) => name);
    assert.ok(names.length > 0);
    let bytes = 0;
    for (const name of names) {
      assert.match(String(name), /-[\w-]{8}\.js$/);
      // Very short ones have no compressed copy.
      const sent = [`${name}.br`, String(name)].find((file) => existsSync(join(folder, file)));
      bytes += readFileSync(join(folder, String(sent))).length;
    }
    assert.ok(bytes > 30_000 && bytes <= 120_000, `${bytes} bytes`);
  });

  test("makes a service worker that keeps a guest's files, without those of a venue's screens", () => {
    const worker = readFileSync(join(dist, 'sw.js'), 'utf8');
    const [list = ''] = /addAll\((\[.*?\])/s.exec(worker)?.slice(1) ?? [];
    const kept = JSON.parse(list) as string[];
    assert.ok(kept.includes('/') && kept.includes('/manifest.webmanifest'));
    for (const path of kept) assert.ok(path === '/' || existsSync(join(dist, path)), path);
    assert.ok(kept.some((path) => /\/index-.*\.js$/.test(path)));
    assert.ok(!kept.some((path) => /board|kiosk/.test(path)), list);
  });

  test('makes a service worker that keeps the whole backoffice', () => {
    const folder = join(root, 'apps/backoffice/dist');
    const worker = readFileSync(join(folder, 'sw.js'), 'utf8');
    const [list = ''] = /addAll\((\[.*?\])/s.exec(worker)?.slice(1) ?? [];
    const kept = (JSON.parse(list) as string[]).map((path) => path.replace(/^\/backoffice\//, ''));
    const built = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:css|js|svg|webmanifest)$/.test(entry.name))
      .map(({ name }) => name);
    assert.deepEqual(new Set(kept), new Set(built.filter((name) => name !== 'sw.js').concat('')));
    assert.doesNotMatch(worker, /__[A-Z]+__/);
  });

  test('builds again only after a change, and then names another cache', async () => {
    const cacheOf = () => /open\("([^"]+)"\)/.exec(readFileSync(join(dist, 'sw.js'), 'utf8'))?.[1];
    assert.deepEqual(await build(), []);
    const first = cacheOf();
    writeFileSync(join(app, 'src/page/page.css'), '\nbody { margin: 1px; }\n', { flag: 'a' });
    assert.equal((await build()).length, 1);
    assert.notEqual(cacheOf(), first);
    assert.deepEqual(await build(), []);
    assert.ok(!readdirSync(app).some((name) => name.startsWith('dist-')));
  });

  test('fails for a missing text, and keeps the last build', async () => {
    const strings = join(app, 'src/parts/strings.ts');
    writeFileSync(strings, readFileSync(strings, 'utf8').replace(/^ +close: 'Fermer',\n/m, ''));
    await assert.rejects(build(), (error: Error) => {
      assert.equal(error.name, 'StackError');
      assert.match(error.message, /^apps\/customer could not be built:\n.*close/s);
      return true;
    });
    assert.ok(existsSync(join(dist, 'index.html')));
    assert.ok(!readdirSync(app).some((name) => name.startsWith('dist-')));
  });
});
