/*
 * Generates swagger/ and docs/party-moves.md from the contracts. With --check it writes nothing: it lists every file
 * that differs from the contracts and exits with 1 if there is one.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { partyMovesPage } from '../party-moves-page.ts';
import { openApiDocuments } from './openapi.ts';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    directory: { type: 'string', default: join(import.meta.dirname, '../../../../swagger') },
    docs: { type: 'string', default: join(import.meta.dirname, '../../../../docs') },
  },
});
const { check, directory, docs } = values;

const wanted = new Map(
  [...openApiDocuments()].map(([name, document]) => [
    name,
    `${JSON.stringify(document, null, 2)}\n`,
  ]),
);
if (!check) await mkdir(directory, { recursive: true });
const names = existsSync(directory) ? await readdir(directory) : [];
const present = new Map(
  await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
  ),
);
const drifting = [...new Set([...wanted.keys(), ...present.keys()])].filter(
  (name) => wanted.get(name) !== present.get(name),
);

for (const name of drifting) {
  const content = wanted.get(name);
  if (check) console.error(`swagger/${name} is out of date: run npm run openapi`);
  else if (content === undefined) await rm(join(directory, name));
  else await writeFile(join(directory, name), content);
}

const pageFile = join(docs, 'party-moves.md');
const page = partyMovesPage();
const isPageDrifting = !existsSync(pageFile) || (await readFile(pageFile, 'utf8')) !== page;
if (isPageDrifting && check)
  console.error('docs/party-moves.md is out of date: run npm run openapi');
else if (isPageDrifting) await writeFile(pageFile, page);

if (check && (drifting.length > 0 || isPageDrifting)) process.exitCode = 1;
