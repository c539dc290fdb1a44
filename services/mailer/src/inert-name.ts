/*
 * Anyone can sign up, name a venue, and have our mails carry that name to any address. Mail clients turn what looks like
 * an address or a phone number into a link, so a name must look like neither.
 */

/** Characters without a width, except those that join letters and emoji. */
const invisible = /(?!\u200c|\u200d|\ufe0f)\p{Default_Ignorable_Code_Point}/gu;
/**
 * Characters that look like a dot and that NFKC leaves alone: ideographic, Arabic, Lisu, and middle dots and bullets.
 * Browsers read the first as a dot in a host name.
 */
const dots = '.\u3002\u06d4\ua4f8\u00b7\u2022\u2219\u22c5\u30fb';
/** Where an address would go on. Times (12:30) and initials (J.R.) stay: no top-level domain has one letter. */
const joints = new RegExp(
  `(?:(?<!\\p{Nd}):|@)(?=\\S)|[/\\\\](?=[/\\\\])|[${dots}](?=\\S)(?![${dots}]|\\p{L}(?:[${dots}\\s]|$))`,
  'gu',
);
/** Five or more digits with at most four other characters between them, as libphonenumber recognises numbers. */
const number = /\p{Nd}(?:[^\p{L}\p{Nd}]{0,4}\p{Nd}){4,}\p{M}*/gu;

function legible(name: string): string {
  return name.normalize('NFKC').replace(invisible, '');
}

/**
 * A name that no mail client turns into a link or a phone number, and that people can still read: with a space inside of
 * what looks like an address (`evil. example`), and long numbers cut (`Call 0800…`).
 */
export function inertName(name: string): string {
  return legible(name)
    .replace(number, (digits) => `${[...digits].slice(0, 4).join('').trimEnd()}…`)
    .replace(joints, '$& ');
}

/** Whether a name looks like neither a link nor a phone number. */
export function isInert(name: string): boolean {
  return inertName(name) === legible(name);
}
