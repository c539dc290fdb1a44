/**
 * The pages of the guests' app, by name, in Fastify's notation. The gateway serves them, the app shows them, and links in
 * mails and QR codes lead to them.
 */
export const guestPages = {
  home: '/',
  join: '/j/:joinCode',
  ticket: '/t/:ticket',
  board: '/b/:queueId',
  kiosk: '/k/:joinCode',
} as const;
export type GuestPage = keyof typeof guestPages;

/** Where the backoffice is, below the guests' app. Links in account mails and invitations lead there. */
export const backofficePath = '/backoffice';

/** The address of a page; `parameter` is its code, ticket or id. */
export function pageUrl(baseUrl: string, page: GuestPage, parameter = ''): string {
  return `${baseUrl}${guestPages[page].replace(/:\w+/, encodeURIComponent(parameter))}`;
}

/** The page at a path with its parameter; null for any other path. */
export function pageAt(path: string): { page: GuestPage; parameter: string } | null {
  for (const [page, pattern] of Object.entries(guestPages)) {
    const match = new RegExp(`^${pattern.replace(/:\w+/, '([^/]+)')}/?$`).exec(path);
    if (match === null) continue;
    try {
      return { page: page as GuestPage, parameter: decodeURIComponent(match[1] ?? '') };
    } catch {
      // A percent sign that encodes nothing.
      return null;
    }
  }
  return null;
}
