/*
 * `node build-scripts.ts FOLDER`: builds beside the built files what stands outside of the app: the script that says
 * when a file of the app was lost, and the service worker. Fills in what they need; the worker's cache is named anew with
 * any change of the files.
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { texts } from './src/app/shell/strings.ts';

const base = '/backoffice/';
const [folder = ''] = process.argv.slice(2);

function build(source: string, given: Record<string, unknown>): string {
  const types = readFileSync(join(import.meta.dirname, source), 'utf8');
  return stripTypeScriptTypes(types).replace(/__[A-Z]+__/g, (name) => JSON.stringify(given[name]));
}

const hashOf = (...contents: (string | Buffer)[]) =>
  contents
    .reduce((hash, content) => hash.update(content), createHash('sha256'))
    .digest('base64url');

const lostFile = Object.entries(texts).map(([language, { unreachable, reload }]) => {
  return [language, { failed: unreachable, reload }] as const;
});
const start = build('../../packages/ui/src/lost-file.ts', {
  __TEXTS__: Object.fromEntries(lostFile),
  __ROOT__: 'qm-root',
  __CLASS__: 'empty whole',
  __FRAME__: '',
});
const startName = `start-${hashOf(start).slice(0, 8)}.js`;
writeFileSync(join(folder, startName), start);
const page = join(folder, 'index.html');
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(
    '</head>',
    `<script src="${startName}" defer></script></head>`,
  ),
);

const files = globSync('**/*.{css,html,js,png,svg,webmanifest,woff2}', { cwd: folder }).sort();
const worker = (cache: string) =>
  build('../../packages/ui/src/worker/sw.ts', {
    __CACHE__: `backoffice-${cache}`,
    // The page is kept under its own address.
    __FILES__: files.map((file) => base + (file === 'index.html' ? '' : file)),
    __SHELL__: base,
    __PAGES__: '^/backoffice(/|$)[^.]*$',
  });
const contents = files.flatMap((file) => [file, readFileSync(join(folder, file))]);
writeFileSync(join(folder, 'sw.js'), worker(hashOf(worker(''), ...contents).slice(0, 16)));
