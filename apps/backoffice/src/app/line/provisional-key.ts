/*
 * Where a press puts a party until the server has placed it: a string that sorts between two order keys. Order keys are
 * lower-case hex, begin with `03` or more, and none is a prefix of another.
 */

/** A string that sorts after `before` and before `behind`; null stands for that end of the line. */
export function provisionalKey(before: string | null, behind: string | null): string {
  const prefix = before ?? '00';
  // Where they differ, anything that begins with the prefix sorts before `behind`.
  if (behind === null || !behind.startsWith(prefix)) return `${prefix}8`;
  return prefix + lower(behind.slice(prefix.length));
}

/** A string below this one, which does not consist of zeros; neither does the result. */
function lower(text: string): string {
  const zeros = text.match(/^0*/)?.[0] ?? '';
  const digit = Number.parseInt(text.charAt(zeros.length), 16);
  return zeros + (digit > 1 ? (digit >> 1).toString(16) : '08');
}

/** A string that sorts behind all others: of a party that was added here, by the time of its joining. */
export function endKey(joinedAt: number): string {
  return `g${joinedAt.toString(16).padStart(12, '0')}`;
}
