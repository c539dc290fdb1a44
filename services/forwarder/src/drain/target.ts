import type { ContactData } from '@queue-manager/contracts/events';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** What a contact has for the template. */
const contactFields = ['id', 'name', 'email', 'locale', 'createdAt', 'verifiedAt'] as const;

/** Name of a key in Parameter Store, below the path; also a file name. */
export const KeyName = /^[A-Za-z0-9][\w-]*$/;
const keyPrefix = 'key:';
const placeholder = /\{\{([^{}]*)\}\}/g;

const HeaderName = z.string().regex(/^[\w-]+$/, 'must be the name of a header');

/**
 * The external API: one request per contact. Texts may have placeholders: `{{id}}` anywhere, `{{key:NAME}}` in headers and
 * the body, and the contact's other fields in the body. Personal data is not for URLs and headers, which get logged.
 */
const TargetFile = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an https address' }),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
  headers: z.record(HeaderName, z.string()).default({}),
  body: z.json(),
});

export type Target = z.infer<typeof TargetFile>;

/** Thrown when the external API cannot be called as it is configured. Its text says why, and holds no key. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
}

/** Reads a target. Throws `Misconfigured` naming each fault. */
export function parseTarget(json: string, options: { allowPrivate: boolean }): Target {
  const parsed = TargetFile.safeParse(parseJson(json));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new Misconfigured(`The target is invalid: ${faults.join('; ')}`);
  }
  const target = parsed.data;
  const faults = [
    ...addressFaults(new URL(target.url), options.allowPrivate),
    ...unknownIn('url', target.url, (name) => name === 'id'),
    ...Object.entries(target.headers).flatMap(([name, value]) =>
      unknownIn(`headers.${name}`, value, (known) => known === 'id' || isKey(known)),
    ),
    ...textsIn(target.body).flatMap((text) =>
      unknownIn('body', text, (name) => isKey(name) || isField(name)),
    ),
  ];
  if (faults.length > 0) throw new Misconfigured(`The target is invalid: ${faults.join('; ')}`);
  return target;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Misconfigured('The target is invalid: it is not JSON');
  }
}

function addressFaults(url: URL, allowPrivate: boolean): string[] {
  const faults: string[] = [];
  if (url.username !== '' || url.password !== '') faults.push('url must have no credentials');
  if (allowPrivate) return faults;
  if (url.protocol !== 'https:') faults.push('url must be an https address');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(host) && !isPublic(host)) faults.push('url must have a public address');
  return faults;
}

/** Whether an IP address is one of the public Internet. */
export function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === 'unicast';
}

function isKey(name: string): boolean {
  return name.startsWith(keyPrefix) && KeyName.test(name.slice(keyPrefix.length));
}

function isField(name: string): boolean {
  return (contactFields as readonly string[]).includes(name);
}

function unknownIn(path: string, text: string, isKnown: (name: string) => boolean): string[] {
  return namesIn(text)
    .filter((name) => !isKnown(name))
    .map((name) => `${path} may not have {{${name}}}`);
}

function namesIn(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name = '']) => name);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** The names of the keys that a target needs. */
export function keysOf({ headers, body }: Target): string[] {
  const names = [...Object.values(headers), ...textsIn(body)].flatMap(namesIn).filter(isKey);
  return [...new Set(names)].map((name) => name.slice(keyPrefix.length));
}

export type ContactRequest = {
  url: string;
  method: Target['method'];
  headers: Record<string, string>;
  body: string;
};

/**
 * The request for a contact. The same for every try, but for the keys. The account's id is its idempotency key, unless the
 * target has another header of that name.
 */
export function requestOf(
  target: Target,
  { userId, ...fields }: ContactData,
  keys: ReadonlyMap<string, string>,
): ContactRequest {
  const values = new Map(Object.entries({ id: userId, ...fields }));
  for (const [name, value] of keys) values.set(keyPrefix + name, value);
  const fill = (text: string) => text.replace(placeholder, (_, name) => values.get(name) ?? '');
  const filled = (value: unknown): unknown => {
    if (typeof value === 'string') return fill(value);
    if (Array.isArray(value)) return value.map(filled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item)]));
  };
  const own = Object.entries(target.headers).map(([name, text]) => [
    name.toLowerCase(),
    fill(text),
  ]);
  return {
    url: fill(target.url),
    method: target.method,
    headers: {
      'content-type': 'application/json',
      'idempotency-key': userId,
      ...Object.fromEntries(own),
    },
    body: JSON.stringify(filled(target.body)),
  };
}
