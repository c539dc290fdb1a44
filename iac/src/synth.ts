/**
 * `npm run synth [-- dev|prod [PARAMETER=VALUE...]]`: writes the templates of an environment to iac/cdk.out, by default of
 * both. Needs no account and no network.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildApps } from '@queue-manager/local-stack/apps/build-apps';
import { repositoryRoot } from './repository.ts';
import { environments, settingsFrom } from './settings.ts';
import { createSystem } from './system.ts';
import { savedObjects } from './watching/saved-searches.ts';

const [environment, ...parameters] = process.argv.slice(2);
const context = Object.fromEntries(
  parameters.map((parameter) => {
    const [name = '', ...value] = parameter.split('=');
    return [name, value.join('=')];
  }),
);
const folder = (app: string) => join(repositoryRoot, 'apps', app, 'dist');

await buildApps(console.error);
for (const name of environment === undefined ? environments : [environment]) {
  const outdir = join(repositoryRoot, 'iac/cdk.out', name);
  const app = await createSystem({
    settings: settingsFrom({ ...context, environment: name }),
    apps: { customer: folder('customer'), backoffice: folder('backoffice') },
    outdir,
  });
  app.synth();
  writeFileSync(join(outdir, 'saved-searches.ndjson'), savedObjects());
  console.error(`${name}: ${outdir}`);
}
