import { z } from 'zod';

/** Limits that several places share. */
export const limits = {
  bodyBytes: 256 * 1024,
  partySizeMax: 100,
  waitingMax: 1_000_000,
  /** How often a guest may snooze, so that it cannot hold the front of the line for ever. */
  snoozesMax: 3,
  snoozePlacesMax: 10,
  /** How long an invitation stays valid. */
  invitationDays: 7,
  /** Open at the same time, per venue. */
  invitationsMax: 200,
  /** Sent by one account in 24 hours, across all venues. */
  invitationsOfDayMax: 50,
  apiKeysMax: 50,
  pageSizeMax: 100,
  pageSizeDefault: 50,
} as const;

/** A single line: trimmed, without control characters, which are unsafe in mail headers and on boards. */
const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters long`)
    .regex(
      /^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u,
      'must not contain control characters',
    );

/** Text that may have several lines. */
const text = (max: number) =>
  z
    .string()
    .trim()
    .max(max, `must be at most ${max} characters long`)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, 'must not contain control characters');

export const Uuid = z.uuid();
export const Timestamp = z.iso.datetime().meta({ description: 'RFC 3339, UTC' });
export const PersonName = line(80);
export const Title = line(80);
export const Text = text(2_000);
export const Notes = text(1_000);
export const Reason = line(200);

export const Email = z
  .string()
  .trim()
  .max(254, 'must be at most 254 characters long')
  .pipe(z.email('must be an e-mail address'))
  .meta({ format: 'email' });

/** The form of an e-mail to compare, hash and index by: two spellings of one address become equal. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}

/** A phone number as people write it; kept as digits with an optional leading plus. */
export const Phone = z
  .string()
  .trim()
  .regex(/^\+?[0-9(][0-9 ()./-]{3,28}$/, 'must be a phone number')
  .transform((written) => written.replace(/[^+0-9]/g, ''))
  .pipe(z.string().regex(/^\+?[0-9]{4,15}$/, 'must have 4 to 15 digits'))
  .meta({
    description:
      'A phone number in any common notation; stored as digits with an optional leading plus',
  });

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined && !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

/** A BCP 47 language tag such as `en` or `pt-PT`. */
export const Locale = z
  .string()
  .min(2)
  .max(35)
  .refine(isLocale, 'must be a language tag such as en or pt-PT')
  .meta({ description: 'A BCP 47 language tag such as en or pt-PT' });

/** An IANA time zone such as `Europe/Lisbon`. */
export const Timezone = z
  .string()
  .min(1)
  .max(64)
  .refine(isTimezone, 'must be an IANA time zone such as Europe/Lisbon')
  .meta({ description: 'An IANA time zone such as Europe/Lisbon' });

export const TimeOfDay = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day such as 05:00');

export const PartySize = z.int().min(1).max(limits.partySizeMax);

/** A predicted wait in seconds as percentiles, made by the method named in `model`. */
export const Estimate = z
  .object({
    p10: z.int().min(0),
    p50: z.int().min(0),
    p90: z.int().min(0),
    model: z.string(),
    asOf: Timestamp,
  })
  .meta({
    id: 'Estimate',
    description: 'Predicted wait in seconds: 10th, 50th and 90th percentile',
  });
export type Estimate = z.infer<typeof Estimate>;

const pageFields = {
  limit: z.coerce.number().int().min(1).max(limits.pageSizeMax).default(limits.pageSizeDefault),
  cursor: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .meta({ description: 'The `nextCursor` of the previous page' }),
};

/** The query of a list: paging and these filters. */
export const pageQuery = <const S extends z.ZodRawShape>(filters: S) =>
  z.strictObject({ ...pageFields, ...filters });

/** The response of a list. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullable() });

/** A body whose fields are all optional: a missing body counts as an empty one. */
export const optionalBody = <const S extends z.ZodRawShape>(fields: S) =>
  z.preprocess((body) => body ?? {}, z.strictObject(fields));
