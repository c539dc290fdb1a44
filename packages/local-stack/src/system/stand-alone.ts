import { freshDatabase } from '@queue-manager/service-kit/testing';
import { isSecret } from '../data-folder/secrets.ts';
import { findProgram } from '../stores/system-packages.ts';

const addresses =
  /^(MYSQL_URL|REDIS_URL|BROKER_REDIS_URL|SMTP_URL|MAIL_URL|GATEWAY_URL|PUBLIC_URL|AWS_.*|FORWARD_PARAMETERS_.*|.*_SERVICE_URL)$/;

/**
 * Removes the addresses and secrets of any system from an environment, so that a system started with it starts its own
 * stores and shares nothing with another.
 */
export function standAlone(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !addresses.test(name) && !isSecret(name)),
  );
}

/**
 * As `standAlone`. When MariaDB is not installed, the environment has a fresh database on the server at MYSQL_URL, which
 * `release` drops.
 */
export async function standAloneEnv(
  env: NodeJS.ProcessEnv,
): Promise<{ env: NodeJS.ProcessEnv; release(): Promise<void> }> {
  const own = standAlone(env);
  if (findProgram('mariadbd', env) !== undefined) return { env: own, release: async () => {} };
  const { url, drop } = await freshDatabase();
  return { env: { ...own, MYSQL_URL: url }, release: drop };
}
