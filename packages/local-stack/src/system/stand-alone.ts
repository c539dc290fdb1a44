import { isSecret } from '../data-folder/secrets.ts';

const addresses =
  /^(MYSQL_URL|REDIS_URL|SMTP_URL|MAIL_URL|GATEWAY_URL|PUBLIC_URL|AWS_.*|.*_SERVICE_URL)$/;

/**
 * An environment without the addresses and secrets of any system, so that one that is started with it
 * starts every store itself and shares nothing with another.
 */
export function standAlone(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !addresses.test(name) && !isSecret(name)),
  );
}
