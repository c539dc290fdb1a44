/** `npm run fix`: formats, and applies the linter's safe fixes. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';

const { status } = spawnSync(
  join(repositoryRoot, 'node_modules/.bin/biome'),
  ['check', '--write', ...process.argv.slice(2)],
  { cwd: repositoryRoot, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
