import { CompiledQuery } from 'kysely';

/** The texts of all prepared statements. */
const prepared = new Set<string>();

/**
 * A statement that is prepared once per connection: the server parses it once, and this process does not format values
 * as text. Use it for fixed texts only, because each is cached for ever, and never for parameters that must be
 * integers, such as LIMIT.
 */
export function preparedQuery(text: string, parameters: readonly unknown[]): CompiledQuery {
  prepared.add(text);
  return CompiledQuery.raw(text, [...parameters]);
}

export function isPrepared(text: string): boolean {
  return prepared.has(text);
}
