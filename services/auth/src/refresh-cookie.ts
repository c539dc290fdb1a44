import { refreshCookie, tokenLives } from '@queue-manager/contracts/tokens';
import { problems } from '@queue-manager/service-kit/problems';
import type { FastifyReply, FastifyRequest } from 'fastify';

type Headers = Pick<FastifyRequest, 'headers'>;

/** The cookie with a browser's refresh token; see ADR 0032. */
export type RefreshCookie = {
  /** The token in the cookie, if any. Throws `forbidden` for a request of another origin. */
  read(request: Headers & Pick<FastifyRequest, 'cookies'>): string | undefined;
  set(reply: FastifyReply, token: string): void;
  clear(reply: FastifyReply): void;
  /** Throws `forbidden` for a request of another origin. */
  requireSameOrigin(request: Headers): void;
};

/** @param backofficeUrl The address of the web app whose browsers may have the cookie. */
export function createRefreshCookie(backofficeUrl: string): RefreshCookie {
  const { origin, protocol } = new URL(backofficeUrl);
  const secure = protocol === 'https:';
  const name = secure ? refreshCookie.securePrefix + refreshCookie.name : refreshCookie.name;
  const attributes = {
    path: refreshCookie.path,
    httpOnly: true,
    secure,
    sameSite: 'strict',
  } as const;

  /**
   * `SameSite` lets requests from other ports and subdomains through. Browsers send `Sec-Fetch-Site` over HTTPS and
   * from the machine itself, and `Origin` with every POST. Who sends neither is no browser, and has no cookie that a
   * page could abuse.
   */
  function requireSameOrigin({ headers }: Headers): void {
    const site = headers['sec-fetch-site'];
    const isOwn =
      site === undefined ? (headers.origin ?? origin) === origin : site === 'same-origin';
    if (isOwn) return;
    throw problems.forbidden({
      detail: 'The refresh cookie works only on pages of this address, not for other web apps.',
    });
  }

  return {
    requireSameOrigin,
    read(request) {
      const token = request.cookies[name];
      if (token !== undefined) requireSameOrigin(request);
      return token;
    },
    set(reply, token) {
      reply.setCookie(name, token, { ...attributes, maxAge: tokenLives.refreshSeconds });
    },
    clear(reply) {
      reply.clearCookie(name, attributes);
    },
  };
}
