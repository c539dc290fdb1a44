/**
 * `npm run test:compose [-- FILE_OR_PATTERN...]`: starts the containers of docker-compose.yml in a project of their own,
 * plays a night through their gateway, and runs the tests against their MySQL, Redis, DynamoDB and SQS. Needs Docker.
 */
import { spawnSync } from 'node:child_process';
import { startGuarded } from '../processes/guarded-process.ts';
import { repositoryRoot } from '../repository.ts';
import { StackError } from '../stack-error.ts';
import { services } from '../system/services.ts';
import { runUntilStopped, say } from '../terminal.ts';

const compose = [
  'compose',
  ...['--project-name', `queue-manager-test-${process.pid}`],
  ...['--file', 'docker-compose.yml', '--file', 'containers/test.yml'],
];

await runUntilStopped(async (_stopping, signal) => {
  if (spawnSync('docker', ['compose', 'version']).status !== 0) {
    throw new StackError('this needs Docker with its Compose plugin: docker compose version');
  }
  try {
    await run('docker', [...compose, 'up', '--build', '--detach'], signal);
    say('Playing a night through the containers …');
    const ports = { GATEWAY_PORT: portOf('gateway', 8080), MAIL_PORT: portOf('mail', 8025) };
    await run(process.execPath, ['packages/load/src/replay/replay-cli.ts'], signal, ports);

    // The tests start a system of their own on the same message queues.
    await run('docker', [...compose, 'stop', ...services.map(({ name }) => name)], signal);
    const password = output(['exec', '-T', 'mysql', 'cat', '/run/secrets/MYSQL_ROOT_PASSWORD']);
    const sqs = `http://127.0.0.1:${portOf('sqs', 4566)}`;
    say('Running the tests on the stores of the containers …');
    const tests = ['packages/local-stack/src/commands/test.ts', ...process.argv.slice(2)];
    await run(process.execPath, tests, signal, {
      MYSQL_URL: `mysql://root:${password}@127.0.0.1:${portOf('mysql', 3306)}/queue_manager`,
      REDIS_URL: `redis://127.0.0.1:${portOf('redis', 6379)}`,
      BROKER_REDIS_URL: `redis://127.0.0.1:${portOf('broker-redis', 6379)}`,
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${portOf('dynamodb', 8000)}`,
      AWS_ENDPOINT_URL_SQS: sqs,
      AWS_ENDPOINT_URL_SNS: sqs,
    });
    return 0;
  } finally {
    spawnSync('docker', [...compose, 'down', '--volumes', '--timeout', '5'], {
      cwd: repositoryRoot,
      stdio: 'inherit',
    });
  }
});

async function run(
  file: string,
  args: string[],
  signal: AbortSignal,
  env: Record<string, string> = {},
): Promise<void> {
  signal.throwIfAborted();
  const command = { file, args, cwd: repositoryRoot, env: { ...process.env, ...env } };
  const running = startGuarded(command, 'inherit');
  const stop = () => void running.stop(10_000);
  signal.addEventListener('abort', stop, { once: true });
  const { code } = await running.exited;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0) throw new StackError(`${[file, ...args].join(' ')} failed`);
}

function output(args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', [...compose, ...args], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  if (status !== 0) throw new StackError(`docker compose ${args.join(' ')}: ${stderr.trim()}`);
  return stdout.trim();
}

function portOf(container: string, port: number): string {
  return new URL(`tcp://${output(['port', container, String(port)])}`).port;
}
