import { CompiledQuery } from 'kysely';

/** Texts of the statements that are prepared on the connections that run them. */
const prepared = new Set<string>();

/**
 * A statement that is prepared once per connection, so that the server does not parse it again and this process does
 * not write values into text. Use it only for fixed texts, because each is cached for ever, and never pass an
 * integer-only value such as LIMIT as a parameter.
 */
export function preparedQuery(text: string, parameters: readonly unknown[]): CompiledQuery {
  prepared.add(text);
  return CompiledQuery.raw(text, [...parameters]);
}

export function isPrepared(text: string): boolean {
  return prepared.has(text);
}
