const lengthMax = 500;

/**
 * What may be kept about a failure for managers and operators to read: the error's message, or the words
 * that are given instead, as one line of at most 500 characters, never empty, without anything that looks like an e-mail address. Of a database
 * driver's error only the code, since its message quotes the values of the statement.
 */
export function failureText(error: unknown): string {
  const text = saidBy(error)
    .replace(/[^\s<>()[\]"',;:]+@[^\s<>()[\]"',;:]+/g, '(address)')
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\ufffe\uffff\s]+/gu, ' ')
    .trim();
  // By code points, so that no pair is cut in two.
  return Array.from(text).slice(0, lengthMax).join('') || 'Failed without a word';
}

function saidBy(error: unknown): string {
  if (typeof error === 'string') return error;
  if (!(error instanceof Error)) return '';
  const { code } = error as { code?: unknown };
  const isDriverError = 'sqlMessage' in error || 'sql' in error;
  if (isDriverError) return typeof code === 'string' ? code : error.name;
  return error.message || error.name;
}
