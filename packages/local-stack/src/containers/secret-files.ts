import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { type Secrets, secretsOf } from '../data-folder/secrets.ts';
import { services } from '../system/services.ts';

type MysqlSecret = 'MYSQL_PASSWORD' | 'MYSQL_ROOT_PASSWORD';
type SecretFile = keyof Secrets | MysqlSecret | 'MYSQL_URL';

const mysqlSecrets: MysqlSecret[] = ['MYSQL_PASSWORD', 'MYSQL_ROOT_PASSWORD'];

/** The secrets of each container of docker-compose.yml. */
export const secretFiles: Record<string, SecretFile[]> = {
  ...Object.fromEntries(
    services.map(({ name, secrets }) => [
      name,
      ['INTERNAL_CREDENTIAL', ...secrets, ...(name === 'queue' ? ['MYSQL_URL' as const] : [])],
    ]),
  ),
  provision: ['MYSQL_URL'],
  mysql: mysqlSecrets,
  prometheus: ['INTERNAL_CREDENTIAL'],
};

/**
 * Writes `<folder>/<container>/<variable>` for every secret of every container. The folder keeps the secrets: only missing
 * ones are generated.
 *
 * @throws StackError when the kept secrets are damaged.
 */
export function writeSecretFiles(folder: string): void {
  const mysql = (name: MysqlSecret) => readKept(join(folder, 'mysql', name)) ?? newPassword();
  const passwords = {
    MYSQL_PASSWORD: mysql('MYSQL_PASSWORD'),
    MYSQL_ROOT_PASSWORD: mysql('MYSQL_ROOT_PASSWORD'),
  };
  const values: Record<SecretFile, string> = {
    ...secretsOf(folder),
    ...passwords,
    MYSQL_URL: `mysql://queue_manager:${passwords.MYSQL_PASSWORD}@mysql:3306/queue_manager`,
  };
  for (const [container, names] of Object.entries(secretFiles)) {
    const target = join(folder, container);
    mkdirSync(target, { recursive: true });
    // Containers run as different users. Each has only its own folder mounted.
    for (const name of names)
      writeFileAtomic.sync(join(target, name), values[name], { mode: 0o444 });
  }
}

const newPassword = () => randomBytes(24).toString('base64url');

function readKept(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
