import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { StackError } from '../stack-error.ts';

interface Program {
  /** Its names, preferred first. */
  names: string[];
  title: string;
  /** The program is not needed when all of these environment variables are set. */
  givenBy: string[];
  /** Debian packages with it, preferred first: the first that this release has is installed. */
  apt: string[];
  brew: string;
}

const programs = {
  // The core package has the same server without the system service and its data folder.
  mariadbd: {
    names: ['mariadbd'],
    title: 'MariaDB',
    givenBy: ['MYSQL_URL'],
    apt: ['mariadb-server-core', 'mariadb-server'],
    brew: 'mariadb',
  },
  'mariadb-install-db': {
    names: ['mariadb-install-db', 'mysql_install_db'],
    title: 'MariaDB',
    givenBy: ['MYSQL_URL'],
    apt: ['mariadb-server-core', 'mariadb-server'],
    brew: 'mariadb',
  },
  // mariadb-install-db calls it.
  my_print_defaults: {
    names: ['my_print_defaults'],
    title: 'MariaDB',
    givenBy: ['MYSQL_URL'],
    apt: ['mariadb-client-core', 'mariadb-client'],
    brew: 'mariadb',
  },
  'redis-server': {
    names: ['redis-server'],
    title: 'Redis',
    givenBy: ['REDIS_URL', 'BROKER_REDIS_URL'],
    apt: ['redis-server'],
    brew: 'redis',
  },
  java: {
    names: ['java'],
    title: 'Java',
    givenBy: ['AWS_ENDPOINT_URL_DYNAMODB'],
    apt: ['default-jre-headless'],
    brew: 'openjdk',
  },
  // Only npm run test:dates needs it.
  faketime: {
    names: ['faketime'],
    title: 'faketime',
    givenBy: [],
    apt: ['faketime'],
    brew: 'libfaketime',
  },
  // Only browser tests and screenshots need it.
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'Google Chrome'],
    title: 'Chromium',
    givenBy: [],
    apt: ['chromium'],
    brew: '--cask google-chrome',
  },
} satisfies Record<string, Program>;

type ProgramName = keyof typeof programs;

const storePrograms: readonly ProgramName[] = [
  'mariadbd',
  'mariadb-install-db',
  'my_print_defaults',
  'redis-server',
  'java',
];

/** Folders of server programs that may be missing from PATH. */
const furtherFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/openjdk/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/openjdk/bin',
  '/Applications/Google Chrome.app/Contents/MacOS',
];

/** Absolute path of an installed program, or undefined. */
export function findProgram(
  name: ProgramName,
  env: NodeJS.ProcessEnv,
  further: string[] = furtherFolders,
): string | undefined {
  const program: Program = programs[name];
  const folders = [
    ...(name === 'java' && env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin')] : []),
    ...(env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...further,
  ];
  for (const file of program.names) {
    for (const folder of folders) {
      const path = join(folder, file);
      try {
        accessSync(path, constants.X_OK);
      } catch {
        continue;
      }
      // macOS has a `java` that only reports that Java is not installed.
      if (name === 'java' && spawnSync(path, ['-version'], { stdio: 'ignore' }).status !== 0) {
        continue;
      }
      return path;
    }
  }
  return undefined;
}

/**
 * @throws StackError when it is not installed.
 */
export function requireProgram(name: ProgramName, env: NodeJS.ProcessEnv): string {
  const path = findProgram(name, env);
  if (path === undefined) {
    throw new StackError(`${programs[name].title} is not installed (no ${name} found)`);
  }
  return path;
}

/**
 * Ensures that the programs of all stores to be started are installed. On Debian and Ubuntu, as root or with
 * password-less sudo, missing ones are installed with apt.
 *
 * @param log takes a line before an installation.
 * @param further programs that are needed besides those of the stores.
 * @throws StackError that says in one line what to install when this is not possible here.
 */
export async function ensurePrograms(
  env: NodeJS.ProcessEnv,
  repositoryRoot: string,
  log: (line: string) => void,
  further: readonly ProgramName[] = [],
): Promise<void> {
  const wanted = [...storePrograms, ...further];
  const missing = missingPrograms(env, wanted);
  if (missing.length === 0) return;
  const administrator = process.platform === 'linux' ? administratorCommand(env) : undefined;
  if (administrator && existsSync('/usr/bin/apt-get')) {
    log(`Installing ${titlesOf(missing)} with apt-get …`);
    await installWithApt(missing, administrator);
    const stillMissing = missingPrograms(env, wanted);
    if (stillMissing.length === 0) return;
  }
  throw new StackError(adviceOn(missing, process.platform, repositoryRoot));
}

/** The needed programs that are not installed; by default those of the stores. */
export function missingPrograms(
  env: NodeJS.ProcessEnv,
  wanted: readonly ProgramName[] = storePrograms,
  further: string[] = furtherFolders,
): Program[] {
  return wanted
    .filter((name) => !isGiven(programs[name], env))
    .filter((name) => findProgram(name, env, further) === undefined)
    .map((name) => programs[name]);
}

function isGiven({ givenBy }: Program, env: NodeJS.ProcessEnv): boolean {
  return givenBy.length > 0 && givenBy.every((variable) => env[variable]);
}

/** A command prefix that runs as root without a prompt. */
function administratorCommand(env: NodeJS.ProcessEnv): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', env });
  return sudo.status === 0 ? ['sudo', '-n'] : undefined;
}

/**
 * The installation must not start system services, neither now (Debian's policy-rc.d stops package scripts from doing
 * so) nor at the next boot (the services of installed packages are disabled). An administrator's own policy-rc.d is kept;
 * ours has a marker, so that the next run removes one left by a killed run.
 */
const aptScript = `
set -e
policy=/usr/sbin/policy-rc.d
mark='queue-manager: only while installing'
if [ ! -e "$policy" ] || grep -q "$mark" "$policy"; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\\n# %s\\nexit 101\\n' "$mark" > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
# Without a network, the existing lists may suffice; if not, the installation fails.
apt-get -q -o DPkg::Lock::Timeout=300 update || true
packages=
for choice in "$@"; do
  for package in $(echo "$choice" | tr '|' ' '); do
    if apt-cache show "$package" >/dev/null 2>&1; then packages="$packages $package"; break; fi
  done
done
apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove install $packages
if command -v systemctl >/dev/null 2>&1; then
  for package in $packages; do
    case $package in
      redis-server) systemctl disable redis-server >/dev/null 2>&1 || true ;;
      mariadb-server) systemctl disable mariadb >/dev/null 2>&1 || true ;;
    esac
  done
fi
`;

async function installWithApt(missing: Program[], administrator: string[]): Promise<void> {
  const choices = [...new Set(missing.map((program) => program.apt.join('|')))];
  const [file = '/bin/sh', ...args] = [
    ...administrator,
    '/bin/sh',
    '-c',
    aptScript,
    'sh',
    ...choices,
  ];
  // In its own session and not guarded: interrupted package scripts leave a broken system, so a stop waits for them.
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => output.push(chunk));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    const lines = output.join('').trim().split('\n');
    // apt marks errors with "E:"; without one, the last line is the most useful.
    const reason = lines.filter((line) => line.startsWith('E:')).at(-1) ?? lines.at(-1) ?? '';
    throw new StackError(`apt-get could not install ${choices.join(' ')}: ${reason}`);
  }
}

/** One line that says how to install missing programs on this system. */
export function adviceOn(
  missing: Program[],
  platform: NodeJS.Platform,
  repositoryRoot: string,
): string {
  const titles = titlesOf(missing);
  const unique = (names: (string | undefined)[]) => [...new Set(names)].join(' ');
  let how = `install ${titles} with this system's package manager`;
  if (platform === 'darwin') {
    how = `install with: brew install ${unique(missing.map((program) => program.brew))}`;
  } else if (existsSync('/usr/bin/apt-get')) {
    how = `install with: sudo apt-get install ${unique(missing.map((program) => program.apt[0]))}`;
  }
  const variables = [...new Set(missing.flatMap((program) => program.givenBy))].join(', ');
  const elsewhere = variables && `, or give the address of what runs elsewhere in ${variables}`;
  const compose = existsSync(join(repositoryRoot, 'docker-compose.yml'))
    ? ', or run everything in containers: docker compose up'
    : '';
  return `${titles} missing: ${how}${elsewhere}${compose}`;
}

function titlesOf(missing: Program[]): string {
  return [...new Set(missing.map((program) => program.title))].join(', ');
}
