import { generateSecrets, type Secrets } from '@queue-manager/local-stack/data-folder/secrets';

export type SecretName = keyof Secrets;

export const secretNames = Object.keys(generateSecrets()) as SecretName[];

/** Keys in their order: the first signs, all verify. */
type Ring = { keys: unknown[]; text: (keys: unknown[]) => string };

/** Secrets that are lists separated by commas, rather than JSON. */
const lists: SecretName[] = ['INTERNAL_CREDENTIAL', 'ACCOUNT_TOKEN_SECRET', 'SESSION_SECRET'];

function ringOf(name: SecretName, value: string): Ring {
  if (name === 'UNSUBSCRIBE_KEY') {
    throw new Error('UNSUBSCRIBE_KEY is never replaced: venues would mail guests who unsubscribed');
  }
  return lists.includes(name)
    ? { keys: value.split(','), text: (keys) => keys.join(',') }
    : { keys: JSON.parse(value) as unknown[], text: (keys) => JSON.stringify(keys) };
}

/**
 * The three steps that replace a key, each followed by a deployment: `add` makes a new key known, `promote` signs with it,
 * `retire` forgets the others.
 */
export const steps = {
  /** @throws Error when a key was added and is not in use yet. */
  add(name: SecretName, value: string): string {
    const { keys, text } = ringOf(name, value);
    if (keys.length > 1) throw new Error(`${name} has a second key: promote or retire it first`);
    const [key] = ringOf(name, generateSecrets()[name]).keys;
    return text([...keys, name === 'TICKET_KEYS' ? withFreeId(key, keys) : key]);
  },
  promote(name: SecretName, value: string): string {
    const { keys, text } = ringOf(name, value);
    if (keys.length < 2) throw new Error(`${name} has one key: add another first`);
    return text([keys.at(-1), ...keys.slice(0, -1)]);
  },
  retire(name: SecretName, value: string): string {
    const { keys, text } = ringOf(name, value);
    return text(keys.slice(0, 1));
  },
};

/** Tickets carry the id of their key, a byte. */
function withFreeId(key: unknown, keys: unknown[]): unknown {
  const [last] = (keys as { id: number }[]).map(({ id }) => id).sort((a, b) => b - a);
  return { ...(key as object), id: ((last ?? 0) + 1) % 256 };
}
