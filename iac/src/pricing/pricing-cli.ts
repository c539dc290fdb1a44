/**
 * `npm run pricing`: computes the tables of docs/pricing.md and docs/scaling.md. With `--check`, fails when they differ
 * from what the documents have.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';
import { parts } from './pages.ts';

const isCheck = process.argv.includes('--check');

for (const [file, tables] of Object.entries(parts)) {
  const path = join(repositoryRoot, file);
  const before = readFileSync(path, 'utf8');
  const after = Object.entries(tables).reduce(
    (text, [name, table]) =>
      text.replace(partOf(name), (_, begin, end) => `${begin}\n\n${table}\n\n${end}`),
    before,
  );
  for (const name of Object.keys(tables)) {
    const marks = before.match(new RegExp(`<!-- (computed:|end of) ${name} -->`, 'g')) ?? [];
    if (marks.length !== 2) throw new Error(`${file} needs one place for "${name}"`);
  }
  if (after === before) continue;
  if (isCheck) {
    console.error(`${file} does not have the computed figures`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, after);
  }
}

/** Where a table goes: between two comments. */
function partOf(name: string): RegExp {
  return new RegExp(`(<!-- computed: ${name} -->)[^]*?(<!-- end of ${name} -->)`);
}
