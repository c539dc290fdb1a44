import { pageUrl } from '@queue-manager/contracts/pages';

type Base = { publicUrl: string };

/** The link behind a queue's QR code. */
export function joinUrlOf({ publicUrl }: Base, joinCode: string): string {
  return pageUrl(publicUrl, 'join', joinCode);
}

/** The guest's link to its own party. */
export function ticketUrlOf({ publicUrl }: Base, ticket: string): string {
  return pageUrl(publicUrl, 'ticket', ticket);
}
