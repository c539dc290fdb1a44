/** `node secret-files-cli.ts FOLDER`: the one-shot container that gives all others their secrets. */
import { writeSecretFiles } from './secret-files.ts';

const [, , folder] = process.argv;
if (folder === undefined) throw new Error('usage: node secret-files-cli.ts FOLDER');
writeSecretFiles(folder);
