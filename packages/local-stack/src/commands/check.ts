/** `npm run check`: format, lint, types, imports, folder sizes, and whether generated files match the contracts. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../repository.ts';
import { say } from '../terminal.ts';

const filesPerFolderMax = 25;

const bin = (name: string) => join(repositoryRoot, 'node_modules/.bin', name);

/** Each folder has a tsconfig.json: browsers, programs and service workers have different globals. */
const typeChecks = [
  '.',
  'packages/ui',
  'apps/customer',
  'packages/ui/src/worker',
  'tests/browser',
  'iac',
];

const programs: { title: string; command: string[]; hint?: string }[] = [
  {
    title: 'Format and lint',
    command: [bin('biome'), 'check', '--error-on-warnings'],
    hint: 'npm run fix fixes most of it',
  },
  ...typeChecks.map((folder) => ({
    title: `Types of ${folder === '.' ? 'programs' : folder}`,
    command: [bin('tsc'), '--noEmit', '-p', folder],
  })),
  {
    title: 'Types of apps/backoffice and its templates',
    command: [
      process.execPath,
      'apps/backoffice/node_modules/@angular/compiler-cli/bundles/src/bin/ngc.js',
      '--noEmit',
      '-p',
      'apps/backoffice',
    ],
  },
  {
    title: 'Imports',
    command: [
      process.execPath,
      bin('depcruise'),
      'apps',
      'packages',
      'services',
      'tests',
      'iac/src',
    ],
    hint: 'the rules are in .dependency-cruiser.mjs',
  },
  {
    title: 'OpenAPI, the diagram of moves and the table of the client',
    command: [process.execPath, 'packages/contracts/src/openapi/generate-openapi.ts', '--check'],
    hint: 'npm run openapi updates them',
  },
  {
    title: 'The page of metrics and the dashboard',
    command: [
      process.execPath,
      'packages/service-kit/src/telemetry/generate-metrics.ts',
      '--check',
    ],
    hint: 'npm run metrics updates them',
  },
  {
    title: 'Prices in docs/pricing.md',
    command: [process.execPath, 'iac/src/pricing/pricing-cli.ts', '--check'],
    hint: 'npm run pricing updates them',
  },
];

/** Folders with too many product files. Migrations only ever grow. */
function fullFolders(): string[] {
  const files = globSync(['{apps,packages,services}/*/src/**/*.{ts,tsx}', 'iac/src/**/*.ts'], {
    cwd: repositoryRoot,
    exclude: ['**/*.test.ts', '**/*testing.ts', '**/migrations/**'],
  });
  return [...Map.groupBy(files, dirname)]
    .filter(([, inFolder]) => inFolder.length > filesPerFolderMax)
    .map(([folder, inFolder]) => `${folder} holds ${inFolder.length} files`);
}

let failed = false;
function report(title: string, isPassed: boolean, hint = ''): void {
  if (!isPassed) failed = true;
  say(isPassed ? `✔ ${title}` : `✖ ${title}${hint && ` (${hint})`}`);
}

for (const { title, command, hint } of programs) {
  const [file = '', ...args] = command;
  const { status, error } = spawnSync(file, args, { cwd: repositoryRoot, stdio: 'inherit' });
  if (error) say(error.message);
  report(title, status === 0, hint);
}
const full = fullFolders();
full.forEach(say);
report('Folder sizes', full.length === 0, `at most ${filesPerFolderMax} files, tests apart`);
process.exitCode = failed ? 1 : 0;
