/** What a page may load and do. The browser applies the policy of a service worker's own response to that worker. */
const directives = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'connect-src': "'self'",
  'font-src': "'self'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'img-src': "'self' data:",
  'manifest-src': "'self'",
  'script-src': "'self'",
  'style-src': "'self'",
  'worker-src': "'self'",
};

function policyOf(changes: Partial<typeof directives> = {}): string {
  return Object.entries({ ...directives, ...changes })
    .map(([name, value]) => `${name} ${value}`)
    .join(';');
}

export const guestPolicy = policyOf();
/** Angular adds the styles of components as elements with the nonce of the page. */
export const backofficePolicy = (nonce: string) =>
  policyOf({ 'base-uri': "'self'", 'style-src': `'self' 'nonce-${nonce}'` });
/** Of its files, such as the service worker. */
export const backofficeFilePolicy = policyOf({ 'base-uri': "'self'" });

/** The names of assets hold a hash of their content; everything else is asked for again, which costs a 304. */
const yearSeconds = 365 * 24 * 60 * 60;
export const forever = `public, max-age=${yearSeconds}, immutable`;
export const revalidated = 'no-cache';
