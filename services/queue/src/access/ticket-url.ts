/** The guest's link to its own party. */
export function ticketUrlOf(deps: { publicUrl: string }, ticket: string): string {
  return `${deps.publicUrl}/v1/tickets/${ticket}`;
}
