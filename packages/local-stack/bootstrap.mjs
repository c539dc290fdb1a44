/**
 * Runs every npm script of this repository:
 *
 *   node bootstrap.mjs COMMAND [ARGUMENT...]
 *
 * Needs only Node >= 20 and no dependencies: it installs them when they are missing or stale, and runs the command's
 * TypeScript with the Node 24 among them. Its messages go to standard error; standard output belongs to the command.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const withStores = 'packages/local-stack/src/commands/with-stores.ts';

/** The script and fixed arguments of each command. */
const commands = {
  start: ['packages/local-stack/src/commands/start.ts'],
  dev: ['packages/local-stack/src/commands/start.ts', '--watch'],
  restart: ['packages/local-stack/src/commands/restart.ts'],
  stores: ['packages/local-stack/src/commands/stores.ts'],
  test: ['packages/local-stack/src/commands/test.ts'],
  'test:long': [
    'packages/local-stack/src/commands/test.ts',
    'tests/**/*.long.test.ts',
    'apps/*/src/**/*.long.test.ts',
  ],
  'test:compose': ['packages/local-stack/src/commands/test-compose.ts'],
  'test:dates': ['packages/local-stack/src/commands/test-dates.ts'],
  check: ['packages/local-stack/src/commands/check.ts'],
  fix: ['packages/local-stack/src/commands/fix.ts'],
  openapi: ['packages/contracts/src/openapi/generate-openapi.ts'],
  synth: ['iac/src/synth.ts'],
  pricing: ['iac/src/pricing/pricing-cli.ts'],
  'aws-secrets': ['iac/src/secrets/secrets-cli.ts'],
  metrics: ['packages/service-kit/src/telemetry/generate-metrics.ts'],
  replay: ['packages/load/src/replay/replay-cli.ts'],
  chaos: ['packages/load/src/chaos/chaos-cli.ts'],
  'dead-letters': [
    withStores,
    'AWS_ENDPOINT_URL_SQS',
    'packages/local-stack/src/commands/dead-letters.ts',
  ],
  forwarder: [withStores, 'AWS_ENDPOINT_URL_SQS', 'services/forwarder/src/forwarder-cli.ts'],
  bench: ['packages/bench/src/bench-cli.ts'],
  screenshots: ['packages/bench/src/screenshots/screenshots-cli.ts'],
  history: [withStores, 'MYSQL_URL', 'services/queue/src/history-cli.ts'],
  estimates: ['services/position/src/estimates/estimates-cli.ts'],
};

const bootstrapNodeMin = 20;
const commandNodeMin = 24;
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

function majorOf(version) {
  return Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);
}

/** A package of its own, since its dependencies are large and `npm start` needs none of them. */
const iac = join(root, 'iac');

/** Whether a command needs the dependencies of `iac`. */
function needsIac(command, args) {
  if (command === 'test') return args.length === 0 || args.some((arg) => arg.includes('iac'));
  return ['check', 'synth'].includes(command);
}

/**
 * Whether node_modules matches package-lock.json. npm writes node_modules/.package-lock.json at the end of an
 * installation, so an interrupted one has none.
 */
function dependenciesAreFresh(folder) {
  try {
    const read = (path) => JSON.parse(readFileSync(join(folder, path), 'utf8')).packages;
    const locked = read('package-lock.json');
    const installed = read('node_modules/.package-lock.json');
    for (const [path, entry] of Object.entries(locked)) {
      // Workspaces have nested ones, which are not at the start of the path.
      if (!path.includes('node_modules/')) continue;
      const present = installed[path];
      // Packages for other platforms are not installed.
      if (!present && entry.optional) continue;
      if (!present || present.version !== entry.version || present.integrity !== entry.integrity) {
        return false;
      }
      // Those of workspaces are not in the folder that tells what is installed, and may be gone without it.
      if (!path.startsWith('node_modules/') && !existsSync(join(folder, path))) return false;
    }
    return folder !== root || process.platform !== 'linux' || existsSync(bundledNode());
  } catch {
    return false;
  }
}

function bundledNode() {
  return join(root, 'node_modules', `node-linux-${process.arch}`, 'bin/node');
}

async function installDependencies(folder) {
  // Outside node_modules, which npm ci deletes.
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const release = await lock(join(tmpdir(), `queue-manager-install-${name}`));
  try {
    if (dependenciesAreFresh(folder)) return; // Another process has installed them meanwhile.
    say(`Installing dependencies${folder === root ? '' : ' of iac'} …`);
    const npm = process.env.npm_execpath?.endsWith('.js')
      ? [process.execPath, process.env.npm_execpath]
      : ['npm'];
    // Also with NODE_ENV=production: development and optional packages include Node 24.
    const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];
    args.push('--include=dev', '--include=optional');
    const { code, output } = await runQuietly(npm[0], [...npm.slice(1), ...args], folder);
    if (code !== 0) {
      // The error comes first; npm's usage may follow.
      const error = output.trim().split('\n').slice(0, 10).join('\n');
      fail(`${error}\nnpm ci failed: the dependencies are not installed`);
    }
  } finally {
    release();
  }
}

/**
 * Takes a lock, and waits while another running process holds it. The lock of data-dir-lock.ts cannot be used: this file
 * runs before dependencies are installed, on a Node without TypeScript, and waits instead of failing.
 */
async function lock(path) {
  for (;;) {
    try {
      mkdirSync(path);
      writeFileSync(join(path, 'pid'), String(process.pid));
      const release = () => rmSync(path, { recursive: true, force: true });
      process.once('exit', release);
      return release;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!holderIsAlive(path)) rmSync(path, { recursive: true, force: true });
    else await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function holderIsAlive(path) {
  try {
    process.kill(Number(readFileSync(join(path, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    // A lock without a pid is just being created, unless its holder died then.
    if (error.code === 'ENOENT')
      return existsSync(path) && Date.now() - statSync(path).mtimeMs < 2000;
    return error.code === 'EPERM';
  }
}

function runQuietly(file, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (signal) => {
      child.kill(signal);
      child.once('close', () => process.exit(130));
    };
    for (const signal of endSignals) process.once(signal, stop);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of endSignals) process.removeListener(signal, stop);
      resolve({ code, output });
    });
  });
}

/** The Node among the dependencies if it runs here, or this one if it is new enough. */
function findNode() {
  const bundled = bundledNode();
  if (existsSync(bundled) && spawnSync(bundled, ['--version']).status === 0) return bundled;
  if (majorOf(process.version) >= commandNodeMin) return process.execPath;
  return fail(
    `this system needs Node ${commandNodeMin} (this is ${process.version}): install it and try again`,
  );
}

/**
 * Calls back when npm, the parent of this process, has exited without passing on a signal (SIGKILL). The scripts in
 * package.json begin with `exec` so that no shell is in between: a shell would die first of a SIGTERM to npm, which then
 * would not wait for the orderly exit.
 */
function onNpmGone(callback) {
  if (!process.env.npm_execpath) return;
  const npm = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(timer);
    callback();
  }, 250);
  timer.unref();
}

/** Runs the command's script and exits with its exit code. */
function run([script, ...firstArgs], args) {
  const node = findNode();
  const child = spawn(node, [join(root, script), ...firstArgs, ...args], {
    cwd: root,
    // The channel closes when this process exits, however it exits, which stops the script.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
      // Caches stripped and compiled code between runs.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/node'),
    },
  });
  // The script treats signals in quick succession as one.
  for (const signal of endSignals) {
    process.on(signal, () => child.kill(signal));
  }
  onNpmGone(() => child.kill('SIGTERM'));
  child.once('error', (error) => fail(`cannot run ${node}: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.exit(signal === 'SIGINT' ? 130 : 1);
  });
}

const [command = '', ...args] = process.argv.slice(2);
const script = commands[command];
if (script === undefined) {
  fail(`usage: node bootstrap.mjs ${Object.keys(commands).join('|')} [argument...]`);
}
if (majorOf(process.version) < bootstrapNodeMin) {
  fail(`Node ${bootstrapNodeMin} or newer is needed (this is ${process.version})`);
}
for (const folder of needsIac(command, args) ? [root, iac] : [root]) {
  if (!dependenciesAreFresh(folder)) await installDependencies(folder);
}
run(script, args);
