/** `npm run aws-secrets -- …`: creates and replaces the secrets in Parameter Store, with the AWS CLI and its account. */
import { spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { generateSecrets } from '@queue-manager/local-stack/data-folder/secrets';
import { parameterName } from '../parameter-name.ts';
import { services } from '../services.ts';
import { environments, settingsFrom } from '../settings.ts';
import { collectorName } from '../watching/collector-config.ts';
import { type SecretName, secretNames, steps } from './ring.ts';

const usage = `usage: npm run aws-secrets -- COMMAND ${environments.join('|')} [NAME]

  create ENVIRONMENT         creates the secrets that are missing, with new values
  set ENVIRONMENT SMTP_URL   stores the address of the mail server, read from standard input
  add ENVIRONMENT NAME       makes a new key known, which signs nothing yet
  promote ENVIRONMENT NAME   signs with the new key
  retire ENVIRONMENT NAME    forgets all other keys
  restart ENVIRONMENT        starts functions and tasks anew, so that they read their secrets: after each step

Keys may be retired after what they signed has expired: TOKEN_KEYS 15 minutes, ACCOUNT_TOKEN_SECRET a day,
SESSION_SECRET 30 days, TICKET_KEYS once no party of that time is kept; INTERNAL_CREDENTIAL at once.
NAME: ${secretNames.join(', ')}
Region and credentials are those of the AWS CLI.`;

class Failure extends Error {}

/** Standard output of the AWS CLI. Secrets go through standard input, not through the list of processes. */
function aws(args: string[], input?: object): string {
  const { status, stdout, stderr, error } = spawnSync(
    'aws',
    [...args, ...(input ? ['--cli-input-json', 'file:///dev/stdin'] : []), '--output', 'json'],
    { input: input ? JSON.stringify(input) : '', encoding: 'utf8' },
  );
  if (error) throw new Failure(`cannot run the AWS CLI: ${error.message}`);
  if (status !== 0) throw new Failure(stderr.trim());
  return stdout;
}

function read(environment: string, name: string): string {
  const parameter = ['--name', parameterName(environment, name), '--with-decryption'];
  return JSON.parse(aws(['ssm', 'get-parameter', ...parameter])).Parameter.Value;
}

function write(environment: string, name: string, value: string, overwrite: boolean): void {
  const parameter = { Name: parameterName(environment, name), Value: value, Type: 'SecureString' };
  aws(['ssm', 'put-parameter'], { ...parameter, Overwrite: overwrite });
}

function create(environment: string): void {
  for (const [name, value] of Object.entries(generateSecrets())) {
    try {
      write(environment, name, value, false);
      console.log(`${name}: created`);
    } catch (error) {
      if (!(error instanceof Failure && /ParameterAlreadyExists/.test(error.message))) throw error;
      console.log(`${name}: exists`);
    }
  }
}

/** In the order of deployments, so that receivers know a new key before senders use it. */
function restart(environment: string): void {
  const { prefix } = settingsFrom({ environment });
  for (const { name } of services.flatMap(({ functions = [] }) => functions)) {
    console.log(`${name} …`);
    // Any change of its configuration ends what runs of it, after its work.
    const description = `Started anew at ${new Date().toISOString()}`;
    const change = ['--function-name', `${prefix}${name}`, '--description', description];
    aws(['lambda', 'update-function-configuration', ...change]);
  }
  const cluster = ['--cluster', `${prefix}cluster`];
  const startAnew = (name: string) => {
    console.log(`${name} …`);
    aws(['ecs', 'update-service', ...cluster, '--service', name, '--force-new-deployment']);
  };
  for (const { name } of services.filter(({ runsAs }) => runsAs === 'task')) {
    startAnew(name);
    aws(['ecs', 'wait', 'services-stable', ...cluster, '--services', name]);
  }
  // It reads metrics with the internal credential; nothing depends on it.
  startAnew(collectorName);
}

async function run([command = '', environment = '', name = '']: string[]): Promise<void> {
  if (!environments.some((known) => known === environment)) throw new Failure(usage);
  if (command === 'create') return create(environment);
  if (command === 'restart') return restart(environment);
  if (command === 'set' && name === 'SMTP_URL') {
    write(environment, name, (await text(process.stdin)).trim(), true);
    return console.log(
      `${name}: stored. If it runs: npm run aws-secrets -- restart ${environment}`,
    );
  }
  const step = Object.entries(steps).find(([known]) => known === command)?.[1];
  if (step === undefined || !secretNames.some((known) => known === name)) throw new Failure(usage);
  write(environment, name, step(name as SecretName, read(environment, name)), true);
  console.log(`${name}: done. Next: npm run aws-secrets -- restart ${environment}`);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
