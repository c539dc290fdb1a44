import { callAws } from './call-aws.ts';

/** Where a function finds its secrets, as the environment variable `SECRETS` holds it in JSON. */
export type SecretSources = {
  /** Variables whose values are in Parameter Store, with the names of their parameters. */
  parameters: Record<string, string>;
  /** Parts of addresses whose values are in Secrets Manager. */
  secrets: Record<string, string>;
  /** Variables that are addresses with such parts: `rediss://:$REDIS_TOKEN@host`. */
  addresses: Record<string, string>;
};

/**
 * Adds the secrets of a function to its environment, as ECS does for tasks. Lambda has plain variables only, which anybody who may
 * look at a function can read.
 */
export async function loadSecrets(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const { parameters, secrets, addresses }: SecretSources = JSON.parse(env.SECRETS ?? '{}');
  const parts = Object.fromEntries(
    await Promise.all(
      Object.entries(secrets).map(async ([name, id]) => [name, await secretOf(id)] as const),
    ),
  );
  Object.assign(env, await parametersOf(parameters));
  for (const [name, address] of Object.entries(addresses)) {
    env[name] = address.replace(/\$(\w+)/g, (_, part) => encodeURIComponent(parts[part] ?? ''));
  }
}

async function parametersOf(names: Record<string, string>): Promise<Record<string, string>> {
  const { Parameters, InvalidParameters = [] } = await callAws<{
    Parameters: { Name: string; Value: string }[];
    InvalidParameters?: string[];
  }>('ssm', 'GetParameters', { Names: Object.values(names), WithDecryption: true });
  if (InvalidParameters.length > 0) throw new Error(`${InvalidParameters.join(', ')} are missing`);
  const values = new Map(Parameters.map(({ Name, Value }) => [Name, Value]));
  return Object.fromEntries(
    Object.entries(names).map(([variable, name]) => [variable, values.get(name) ?? '']),
  );
}

async function secretOf(SecretId: string): Promise<string> {
  const input = { SecretId };
  const answer = await callAws<{ SecretString: string }>('secretsmanager', 'GetSecretValue', input);
  return answer.SecretString;
}
