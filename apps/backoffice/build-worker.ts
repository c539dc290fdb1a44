/*
 * `node build-worker.ts FOLDER`: builds the service worker beside the built files. Fills in what it keeps, and a name
 * for its cache that changes with any of these files.
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

const base = '/backoffice/';
const [folder = ''] = process.argv.slice(2);

const source = readFileSync(
  join(import.meta.dirname, '../../packages/ui/src/worker/sw.ts'),
  'utf8',
);
const files = globSync('**/*.{css,html,js,png,svg,webmanifest,woff2}', { cwd: folder }).sort();
const hash = createHash('sha256').update(source);
for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));

const given: Record<string, unknown> = {
  __CACHE__: `backoffice-${hash.digest('base64url').slice(0, 16)}`,
  // The page is kept under its own address.
  __FILES__: files.map((file) => base + (file === 'index.html' ? '' : file)),
  __SHELL__: base,
  __PAGES__: '^/backoffice(/|$)[^.]*$',
};
const worker = stripTypeScriptTypes(source).replace(/__[A-Z]+__/g, (name) =>
  JSON.stringify(given[name]),
);
writeFileSync(join(folder, 'sw.js'), worker);
