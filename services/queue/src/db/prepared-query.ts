import { CompiledQuery } from 'kysely';

/** Texts of the statements that are prepared on the connections that run them. */
const prepared = new Set<string>();

/**
 * A statement that a change of a line, or its way there, runs every time: prepared once a connection, which
 * spares the server its parsing and this process the writing of values into text. Only for a fixed text, since
 * each is kept, and without a number that MySQL takes as a whole number alone, such as a LIMIT's.
 */
export function preparedQuery(text: string, parameters: readonly unknown[]): CompiledQuery {
  prepared.add(text);
  return CompiledQuery.raw(text, [...parameters]);
}

export function isPrepared(text: string): boolean {
  return prepared.has(text);
}
