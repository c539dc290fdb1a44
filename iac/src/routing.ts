import { backofficePath, guestPages } from '@queue-manager/contracts/pages';
import { publicContracts } from '@queue-manager/contracts/registry';
import { gatewayContracts } from '@queue-manager/contracts/service';

/** What the gateway answers besides its contracts. */
const others = ['/docs', '/docs/*', '/openapi.json'];

/** CloudFront's patterns of the paths that the gateway answers: the API, and the page of the backoffice. */
export const gatewayPatterns: string[] = [
  ...new Set([
    ...[...publicContracts, ...gatewayContracts].map(({ url }) => {
      const [, first, ...rest] = url.split('/');
      return rest.length === 0 ? `/${first}` : `/${first}/*`;
    }),
    ...others,
    backofficePath,
    `${backofficePath}/*`,
  ]),
];

/** The files of the backoffice have an extension, its pages have none. Precedes the pattern of its page. */
export const backofficeFiles = `${backofficePath}/*.*`;

/**
 * A function of CloudFront: every address of a guest page gets the one page of the app. All else is asked for by its
 * name, and is not there.
 */
export function guestPageFunction(): string {
  const patterns = Object.values(guestPages).map(
    (url) => `^${url.replace(/\/$/, '').replace(/:\w+/, '[^/]+').replaceAll('/', '\\/')}\\/?$`,
  );
  return `function handler(event) {
  var request = event.request;
  if (/${patterns.join('|')}/.test(request.uri)) request.uri = '/index.html';
  return request;
}`;
}
