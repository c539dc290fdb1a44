/** `npm run check`: format and lint, types, and whether swagger/ and docs/party-moves.md say what the contracts say. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';
import { say } from '../terminal.ts';

const bin = (name: string) => join(repositoryRoot, 'node_modules/.bin', name);

const checks: { title: string; file: string; args: string[]; mend: string }[] = [
  {
    title: 'Format and lint',
    file: bin('biome'),
    args: ['check', '--error-on-warnings'],
    mend: 'npm run fix mends most of it',
  },
  { title: 'Types', file: bin('tsc'), args: ['--noEmit', '-p', '.'], mend: '' },
  {
    title: 'OpenAPI and the diagram of moves',
    file: process.execPath,
    args: ['packages/contracts/src/generate-openapi.ts', '--check'],
    mend: 'npm run openapi writes it anew',
  },
];

let failed = false;
for (const { title, file, args, mend } of checks) {
  const { status, error } = spawnSync(file, args, { cwd: repositoryRoot, stdio: 'inherit' });
  if (error) say(error.message);
  if (status !== 0) failed = true;
  say(status === 0 ? `✔ ${title}` : `✖ ${title}${mend ? ` (${mend})` : ''}`);
}
process.exitCode = failed ? 1 : 0;
