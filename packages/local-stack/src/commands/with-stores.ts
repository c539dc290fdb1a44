/**
 *   node with-stores.ts VARIABLE PROGRAM [ARGUMENT...]
 *
 * Runs a program that needs the store whose address is in VARIABLE: from the environment, or else of the system
 * that runs on DATA_DIR.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readAddresses } from '../data-folder/running-system.ts';
import { repositoryRoot } from '../repository.ts';
import { dataDirFrom } from '../settings.ts';
import { say } from '../terminal.ts';

const [, , variable = '', program = ''] = process.argv;
const file = join(repositoryRoot, program);
const dataDir = dataDirFrom(process.env);

// All addresses come with the credentials that belong to them.
if (!process.env[variable]) Object.assign(process.env, readAddresses(dataDir));

if (process.env[variable]) {
  process.argv.splice(1, 3, file);
  await import(pathToFileURL(file).href);
} else {
  say(`nothing is running on the data folder ${dataDir}: run npm start, or set ${variable}`);
  process.exitCode = 1;
}
