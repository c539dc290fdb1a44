/*
 * Generates swagger/, docs/party-moves.md and the table of the client from the contracts. With --check it writes nothing: it lists every file
 * that differs from the contracts and exits with 1 if there is one.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { clientOperations } from './client-operations.ts';
import { openApiDocuments } from './openapi.ts';
import { partyMovesPage } from './party-moves-page.ts';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    directory: { type: 'string', default: join(import.meta.dirname, '../../../../swagger') },
    docs: { type: 'string', default: join(import.meta.dirname, '../../../../docs') },
    client: { type: 'string', default: join(import.meta.dirname, '../../../client/src') },
  },
});
const { check, directory, docs, client } = values;

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

const files = [
  { name: 'docs/party-moves.md', path: join(docs, 'party-moves.md'), content: partyMovesPage() },
  {
    name: 'packages/client/src/operations.ts',
    path: join(client, 'operations.ts'),
    content: clientOperations(),
  },
];
let isDrifting = drifting.length > 0;
for (const { name, path, content } of files) {
  if (existsSync(path) && (await readFile(path, 'utf8')) === content) continue;
  isDrifting = true;
  if (check) console.error(`${name} is out of date: run npm run openapi`);
  else await writeFile(path, content);
}

if (check && isDrifting) process.exitCode = 1;
