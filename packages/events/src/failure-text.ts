const lengthMax = 500;

/**
 * The text of a failure for managers and operators: the error's message, or the string thrown, as one line of at
 * most 500 characters, never empty, with e-mail addresses removed. For a database driver's error only the code,
 * since its message quotes values of the statement.
 */
export function failureText(error: unknown): string {
  const text = messageOf(error)
    .replace(/[^\s<>()[\]"',;:]+@[^\s<>()[\]"',;:]+/g, '(address)')
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\ufffe\uffff\s]+/gu, ' ')
    .trim();
  // By code point: a cut must not split a surrogate pair.
  return Array.from(text).slice(0, lengthMax).join('') || 'Failed without a message';
}

function messageOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (!(error instanceof Error)) return '';
  const { code } = error as { code?: unknown };
  const isDriverError = 'sqlMessage' in error || 'sql' in error;
  if (isDriverError) return typeof code === 'string' ? code : error.name;
  return error.message || error.name;
}
