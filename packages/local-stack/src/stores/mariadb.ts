import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { writePrivateFile } from '../data-folder/private-file.ts';
import { startGuarded } from '../processes/guarded-process.ts';
import { StackError } from '../stack-error.ts';
import { ask } from './ask.ts';
import {
  firstComplaint,
  runStore,
  type StartedStore,
  type StoreContext,
  storeLog,
} from './run-store.ts';
import { requireProgram } from './system-packages.ts';

const database = 'queue_manager';
const complaint = /\[ERROR\]|^ERROR|^FATAL/i;
const protocolVersion = 10;
const socketName = 'mariadb.sock';

/** MariaDB; provides MYSQL_URL, whose user may create further databases. */
export async function startMariadb(context: StoreContext): Promise<StartedStore> {
  const server = requireProgram('mariadbd', context.env);
  const folder = join(context.dataDir, 'mariadb');
  await initialise(context, folder);

  // Runs at every start before connections are accepted, so it also completes an interrupted first start. The
  // administrator's account is reachable by the socket only.
  const password = readPassword(folder);
  const initFile = join(folder, 'queue-manager.sql');
  writePrivateFile(
    initFile,
    [
      `CREATE DATABASE IF NOT EXISTS ${database};`,
      `CREATE OR REPLACE USER '${database}'@'127.0.0.1' IDENTIFIED BY '${password}';`,
      // All databases, but not the server: as on a managed one, `read_only` and limits apply to this user.
      `GRANT ALL PRIVILEGES ON \`%\`.* TO '${database}'@'127.0.0.1';`,
      '',
    ].join('\n'),
  );

  return runStore(context, {
    name: 'mariadb',
    freePorts: 1,
    command: ([port]) => ({
      file: server,
      args: [
        '--no-defaults',
        `--datadir=${folder}`,
        `--user=${userInfo().username}`,
        `--init-file=${initFile}`,
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        // Relative to the data folder: an absolute path may be too long for a socket (107 bytes).
        `--socket=${socketName}`,
        `--pid-file=${join(folder, 'mariadb.pid')}`,
        '--skip-name-resolve',
        '--character-set-server=utf8mb4',
        '--collation-server=utf8mb4_unicode_ci',
        '--default-time-zone=+00:00',
        '--transaction-isolation=READ-COMMITTED',
        '--max-connections=500',
        '--max-allowed-packet=64M',
        '--innodb-buffer-pool-size=256M',
        '--innodb-flush-log-at-trx-commit=1',
        // Local disks are faster than the default of 200 operations per second.
        '--innodb-io-capacity=2000',
        '--skip-log-bin',
      ],
      env: withTmpdir(context),
    }),
    // It sends its greeting as soon as it accepts connections.
    async isReady([port = 0], signal) {
      const greeting = await ask(port, signal);
      return greeting[4] === protocolVersion;
    },
    environment: ([port]) => ({
      MYSQL_URL: `mysql://${database}:${password}@127.0.0.1:${port}/${database}`,
    }),
    complaint,
    readyWithinMs: 60_000,
    stopWithinMs: 20_000,
  });
}

/** How the administrator connects to the server of a data folder. */
export function administratorOf(dataDir: string): { user: string; socketPath: string } {
  return { user: userInfo().username, socketPath: join(dataDir, 'mariadb', socketName) };
}

/**
 * A folder for temporary tables of its own: a server that starts deletes those that it finds, and in a shared folder
 * these can be of another server.
 */
function withTmpdir({ dataDir, env }: StoreContext): NodeJS.ProcessEnv {
  const TMPDIR = join(dataDir, 'mariadb-tmp');
  mkdirSync(TMPDIR, { recursive: true, mode: 0o700 });
  return { ...env, TMPDIR };
}

/** Creates the data folder under another name first, so that an incomplete one is never used. */
async function initialise(context: StoreContext, folder: string): Promise<void> {
  if (existsSync(folder)) return;
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  const logPath = storeLog(context.dataDir, 'mariadb-install-db');
  const log = openSync(logPath, 'w', 0o600);
  const user = userInfo().username;
  try {
    const install = startGuarded(
      {
        file: requireProgram('mariadb-install-db', context.env),
        args: [
          '--no-defaults',
          // Relative: the script does not quote the path, which may hold spaces.
          `--datadir=./${basename(unfinished)}`,
          `--user=${user}`,
          '--auth-root-authentication-method=socket',
          `--auth-root-socket-user=${user}`,
          '--skip-test-db',
          '--skip-name-resolve',
        ],
        cwd: context.dataDir,
        env: withTmpdir(context),
      },
      log,
    );
    const exit = await install.exited;
    if (exit.code !== 0) {
      const reason = firstComplaint(logPath, complaint) ?? 'mariadb-install-db failed';
      throw new StackError(
        `mariadb could not create its data folder (${reason}); its log: ${logPath}`,
      );
    }
  } finally {
    closeSync(log);
  }
  writePrivateFile(passwordFile(unfinished), randomBytes(18).toString('base64url'));
  renameSync(unfinished, folder);
}

function passwordFile(folder: string): string {
  return join(folder, 'queue-manager.password');
}

function readPassword(folder: string): string {
  try {
    return readFileSync(passwordFile(folder), 'utf8');
  } catch {
    throw new StackError(`mariadb's data folder is damaged: ${passwordFile(folder)} is missing`);
  }
}
