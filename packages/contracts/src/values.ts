import { z } from 'zod';
import { fieldLimits } from './field-limits.ts';

/** Limits that several places share. */
export const limits = {
  bodyBytes: 256 * 1024,
  /** A message of the broker. */
  messageBytes: 64 * 1024,
  /** How long the broker locks a message to its consumer. */
  visibilitySeconds: { min: 1, max: 12 * 60 * 60, default: 30 },
  consumeWaitSecondsMax: 20,
  /** After which a message that is not deleted becomes a dead one, by default. */
  deliveriesMax: 10,
  /** Field errors that one problem names. */
  fieldErrorsMax: 20,
  partySizeMax: fieldLimits.partySizeMax,
  /** Open streams of one address: a dining room shares one. */
  streamsOfAddressMax: 2_000,
  /** Open streams of one board. */
  streamsOfBoardMax: 2_000,
  /** Queues that one internal read of a venue's changes names. */
  queuesPerReadMax: 200,
  waitingMax: fieldLimits.waitingMax,
  /** How often a guest may snooze, so that it cannot hold the front of the line for ever. */
  snoozesMax: 3,
  snoozePlacesMax: 10,
  /** How long staff can take a change back. */
  undoSeconds: 60,
  /** How far back staff can date the joining of a party, and how often an account can within an hour. */
  joinedAtHoursMax: 12,
  backdatedOfHourMax: 500,
  /** A time of joining within this many seconds of now is now: the clocks of devices differ. */
  joinedAtSkewSeconds: 10,
  /** How long an invitation stays valid. */
  invitationDays: 7,
  /** Open at the same time, per venue. */
  invitationsMax: 200,
  /** Sent by one account in 24 hours, across all venues. */
  invitationsOfDayMax: 50,
  /** How long a venue counts as new, and how many addresses all new venues of an account may e-mail in 24 hours. */
  newVenueDays: 7,
  newVenueRecipientsOfDayMax: 500,
  apiKeysMax: 50,
  pageSizeMax: 100,
  pageSizeDefault: 50,
} as const;

/*
 * Published patterns are plain ranges, which mean the same with and without the flags `u` and `v`: what is beyond
 * U+FFFF is matched only by classes that exclude characters, as one character or as its two halves. Line breaks are
 * matched by `\s` alone: generators write `\u2028` as the line break itself.
 */
const blank = ' \\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\ufeff';
/** Direction of text: unsafe inside a line, and copied along with names and numbers. */
const direction = '\\u202a-\\u202e\\u2066-\\u2069';
/** Unsafe in mail headers and on boards, as line breaks are. */
const control = `\\u0000-\\u001f\\u007f-\\u009f${direction}`;
/** Characters that nobody sees, such as a soft hyphen. There are more beyond U+FFFF. */
const hidden =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2060-\\u2065\\u206a-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0\\ufff0-\\ufffb';
const edge = `[\\s${direction}${hidden}]`;
/** Hidden characters may belong to the last letter or emoji. */
const lineEnd = `[\\s${direction}]`;
const [edges, lineEnds] = [new RegExp(edge), new RegExp(lineEnd)];

/** Cuts off edges, and at the end only `ends`. One regular expression for the end would take quadratic time. */
function trim(text: string, ends: RegExp): string {
  let [from, to] = [0, text.length];
  while (from < to && edges.test(text.charAt(from))) from += 1;
  while (from < to && ends.test(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** The length of a text as JSON Schema measures it: in Unicode characters. */
export function charactersIn(text: string): number {
  return [...text].length;
}

const entered = (trimmed: z.ZodString, max: number, pattern: string, message: string) =>
  trimmed
    .refine((text) => charactersIn(text) <= max, {
      error: `must be at most ${max} characters long`,
      abort: true,
    })
    .regex(new RegExp(pattern), { error: message, abort: true })
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

/** A single line of which something can be seen. */
const line = (max: number) =>
  entered(
    z.string().overwrite((text) => trim(text, lineEnds)),
    max,
    `^${edge}*[^\\s${control}${hidden}](?:[^\\s${control}]|[${blank}])*${lineEnd}*$`,
    'must be a line of visible text, without control characters',
  )
    .refine(
      (text) => /[^\s\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text),
      'must be visible',
    )
    .meta({ minLength: 1, maxLength: max });

/** Text that may have several lines. */
const text = (max: number) =>
  entered(
    z.string().trim(),
    max,
    '^[^\\u0000-\\u0008\\u000e-\\u001f\\u007f-\\u009f]*$',
    'must not contain control characters',
  ).meta({ maxLength: max });

export const Uuid = z.uuid();
export const Timestamp = z.iso.datetime().meta({ description: 'RFC 3339, UTC' });
export const PersonName = line(80);
export const Title = line(fieldLimits.titleLengthMax);
export const Text = text(fieldLimits.textLengthMax);
export const Notes = text(1_000);
export const Reason = line(200);

const atom = "[!#-'*+\\-\\/-9=?A-Z^-~]+";
/** `first` begins the last label, `letter` begins and ends each, `inner` is in between. */
const addressOf = (labels: { first: string; letter: string; inner: string }) => {
  const { first, letter, inner } = labels;
  const end = `(?:[${inner}]*[${letter}])?`;
  return `${atom}(?:\\.${atom})*@(?:[${letter}]${end}\\.)+[${first}]${end}`;
};
const asciiAddress = new RegExp(
  `^${addressOf({ first: 'A-Za-z', letter: 'A-Za-z0-9', inner: 'A-Za-z0-9\\-' })}$`,
);
/** Its domain may have any letters beyond ASCII. */
const enteredAddress = addressOf({
  first: '^\\u0000-@\\[-`\\{-\\u00a0',
  letter: '^\\u0000-\\/:-@\\[-`\\{-\\u00a0',
  inner: '^\\u0000-,.\\/:-@\\[-`\\{-\\u00a0',
});
const enteredAlone = new RegExp(`^${enteredAddress}$`);
const emailLengthMax = 254;
const notAnEmail = 'must be an e-mail address';

/** Without edges, and with the domain in ASCII, as mail servers know it: `ana@münchen.example` has one with `xn--`. */
function asciiEmail(text: string): string {
  const email = trim(text, edges);
  if (email.length > emailLengthMax || edges.test(email) || !enteredAlone.test(email)) return email;
  const [user = '', domain = ''] = email.split('@');
  if (/^[a-z0-9.-]*$/i.test(domain)) return email;
  try {
    return `${user}@${new URL(`http://${domain}`).hostname}`;
  } catch {
    return email;
  }
}

export const Email = z
  .string()
  .overwrite(asciiEmail)
  .max(emailLengthMax, {
    error: `must be at most ${emailLengthMax} characters long`,
    abort: true,
  })
  .regex(new RegExp(`^${edge}*${enteredAddress}${edge}*$`), { error: notAnEmail, abort: true })
  .refine((email) => asciiAddress.test(email), notAnEmail)
  // No `format`: what validators take for an e-mail address differs, and most refuse some that exist.
  .meta({
    description:
      'An e-mail address. A domain with letters beyond ASCII, such as `münchen.example`, is kept in ASCII: `xn--mnchen-3ya.example`.',
  });

/** The form of an e-mail to compare, hash and index by: two spellings of one address become equal. */
export function normaliseEmail(email: string): string {
  return asciiEmail(email).toLowerCase();
}

/**
 * The mailbox of an e-mail, for limits and unsubscribes: `ana+1@example.com` and `ana+2@example.com` both reach
 * `ana@example.com`. Accounts and duplicates keep them apart, since some servers deliver them to different people.
 */
export function mailboxOf(email: string): string {
  return normaliseEmail(email).replace(/(?<=[^"])\+[^"@]*(?=@[^@]*$)/, '');
}

const digit = '[0-9\\u0660-\\u0669\\u06f0-\\u06f9\\uff10-\\uff19]';
const separator = `[\\(\\)\\-.\\/\\u2010-\\u2015\\u2212\\u30fc\\uff08\\uff09\\uff0d-\\uff0f\\s${direction}${hidden}]*`;

/** A phone number as people write and paste it, without what nobody sees. */
export const Phone = z
  .string()
  .overwrite((text) => text.replace(new RegExp(`[${direction}${hidden}]`, 'g'), '').trim())
  .max(40, { error: 'must be at most 40 characters long', abort: true })
  .regex(
    new RegExp(`^${separator}(?:[+\\uff0b]${separator})?(?:${digit}${separator}){4,20}$`),
    'must be a phone number',
  )
  .meta({
    description:
      'A phone number in any common notation. Kept with its country code, as in +351912345678; one without gets that of the country of the venue’s timezone, or else of its locale. Where neither names a country (`UTC` and `en`), its digits are kept.',
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
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

const notALocale = 'must be a language tag such as en or pt-PT';

/** A BCP 47 language tag such as `en` or `pt-PT`. */
export const Locale = z
  .string()
  .min(2)
  .max(35)
  .regex(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/, { error: notALocale, abort: true })
  .refine(isLocale, notALocale)
  .meta({ description: 'A BCP 47 language tag such as en or pt-PT' });

const zonePart = '[A-Za-z0-9_+\\-]';
const notATimezone = 'must be an IANA time zone such as Europe/Lisbon';

/** An IANA time zone such as `Europe/Lisbon`. */
export const Timezone = z
  .string()
  .min(1)
  .max(64)
  .regex(new RegExp(`^[A-Za-z]${zonePart}*(?:\\/${zonePart}+)*$`), {
    error: notATimezone,
    abort: true,
  })
  .refine(isTimezone, notATimezone)
  .meta({ description: 'An IANA time zone such as Europe/Lisbon' });

export const TimeOfDay = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day such as 05:00');

/** `#rrggbb`. */
export const AccentColor = z
  .string()
  .regex(/^#[0-9A-Fa-f]{6}$/, 'must be a color such as #0f766e')
  .toLowerCase()
  .meta({ description: 'The color of the venue on the pages of guests, such as #0f766e' });

export const PartySize = z.int().min(1).max(limits.partySizeMax);

/** An order key in lower-case hex, so that strings sort as the bytes do. */
export const OrderKeyHex = z
  .string()
  .regex(/^(?:[0-9a-f]{2})+$/)
  .meta({
    description:
      'The place in the line: parties of a lane stand in the order of these strings, and the lane `priority` before `regular`',
  });

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
