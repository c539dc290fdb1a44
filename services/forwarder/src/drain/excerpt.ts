import type { ContactData } from '@queue-manager/contracts/events';

const lengthMax = 300;
/** Shorter parts of a name occur in other words. */
const nameLengthMin = 3;

/**
 * A reply's text for logs and operators, in one line. APIs repeat what they were sent: the contact's data and the keys
 * are removed.
 */
export function excerptOf(text: string, contact: ContactData, keys: Iterable<string>): string {
  const { name, email } = contact;
  const names = [name, ...name.split(/\s+/)].filter(({ length }) => length >= nameLengthMin);
  const secrets = [...keys, email, ...names].filter((secret) => secret !== '');
  let shown = text.replace(/\\u([0-9a-f]{4})/gi, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret.toWellFormed())]) {
      shown = shown.replace(new RegExp(RegExp.escape(form), 'giu'), '(removed)');
    }
  }
  return Array.from(shown.replace(/\s+/g, ' ').trim()).slice(0, lengthMax).join('');
}
