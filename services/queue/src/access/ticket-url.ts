/** The link that a guest keeps. */
export function ticketUrlOf(deps: { publicUrl: string }, ticket: string): string {
  return `${deps.publicUrl}/v1/tickets/${ticket}`;
}
