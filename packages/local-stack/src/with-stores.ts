/**
 *   node with-stores.ts VARIABLE PROGRAM [ARGUMENT...]
 *
 * Runs a program that needs a store, found by VARIABLE: the one the environment names, or that of the
 * system running on DATA_DIR.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { notedAddresses } from './address-file.ts';
import { lockHolder } from './data-dir-lock.ts';
import { repositoryRoot } from './repository.ts';
import { dataDirFrom } from './settings.ts';
import { say } from './terminal.ts';

const [, , variable = '', program = ''] = process.argv;
const file = join(repositoryRoot, program);

if (process.env[variable] || findStores()) {
  process.argv.splice(1, 3, file);
  await import(pathToFileURL(file).href);
} else {
  say(
    `nothing is running on the data folder ${dataDirFrom(process.env)}: run npm start, or set ${variable}`,
  );
  process.exitCode = 1;
}

/** Takes over all addresses, with the credentials that belong to them. */
function findStores(): boolean {
  const dataDir = dataDirFrom(process.env);
  const noted = lockHolder(dataDir) === undefined ? undefined : notedAddresses(dataDir);
  Object.assign(process.env, noted);
  return noted?.[variable] !== undefined;
}
