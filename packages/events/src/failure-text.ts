const lengthMax = 500;

/**
 * What may be kept about a failure for managers and operators to read: the error's message as one line of at
 * most 500 characters, never empty, without anything that looks like an e-mail address. Of a database
 * driver's error only the code, since its message quotes the values of the statement.
 */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return 'Failed without an error';
  const { code } = error as { code?: unknown };
  const isDriverError = 'sqlMessage' in error || 'sql' in error;
  const said = isDriverError && typeof code === 'string' ? code : error.message;
  const text = said
    .replace(/[^\s<>()[\]"',;:]+@[^\s<>()[\]"',;:]+/g, '(address)')
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\ufffe\uffff\s]+/gu, ' ')
    .trim();
  // By code points, so that no pair is cut in two.
  return Array.from(text).slice(0, lengthMax).join('') || error.name;
}
