import type { z } from 'zod';

/** Formats of strings, by their name in zod. */
const formats: Record<string, string> = {
  email: 'an e-mail address',
  url: 'a URL',
  uuid: 'a UUID',
  date: 'a date such as 2026-11-20',
  datetime: 'a time such as 2026-11-20T21:00:00Z',
  base64: 'Base64',
};

/**
 * Says what is wrong with a value, to follow the name of its field: `must be at least 1`. For zod's option `error`; a
 * schema's own message comes first.
 */
export function faultText(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type': {
      const noun = issue.expected === 'int' ? 'whole number' : issue.expected;
      return `must be ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
    }
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return issue.inclusive !== false && issue.options ? oneOf(issue.options) : 'is not valid';
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
      return sized(issue, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return sized(issue, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_format':
      return formats[issue.format] ? `must be ${formats[issue.format]}` : 'has the wrong format';
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    default:
      return 'is not valid';
  }
}

function oneOf(values: readonly unknown[]): string {
  return `must be ${values.length === 1 ? '' : 'one of '}${values.join(', ')}`;
}

function sized(
  { origin, exact }: { origin: string; exact?: boolean },
  bound: string,
  size: number | bigint,
): string {
  const bounded = `${exact ? 'exactly' : bound} ${size}`;
  const unit = { string: 'character', array: 'item' }[origin];
  if (unit === undefined) return `must be ${bounded}`;
  return `must have ${bounded} ${unit}${Number(size) === 1 ? '' : 's'}`;
}
