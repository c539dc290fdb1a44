import { z } from 'zod';

/** The fields of a mail in the inbox's HTTP API that are used here. */
const Mail = z.object({
  // Everything may be missing: an inbox killed while receiving a mail keeps a part of it.
  to: z.array(z.object({ address: z.string() })).default([]),
  headers: z
    .object({ 'x-event-id': z.string().optional(), 'list-unsubscribe': z.string().optional() })
    .default({}),
  subject: z.string().default(''),
  text: z.string().default(''),
  html: z.union([z.string(), z.literal(false)]).optional(),
});
export type Mail = z.infer<typeof Mail>;

/**
 * Mails to an address from the HTTP API of the inbox, oldest first. It is maildev on this machine, and Mailpit in
 * containers; only maildev tells the headers of a mail.
 *
 * @throws as `fetch` when there is no answer; ZodError when the answer is not an inbox's.
 */
export async function mailsTo(
  mailUrl: string,
  address: string,
  signal?: AbortSignal,
): Promise<Mail[]> {
  const list = new URL('/email', mailUrl);
  list.searchParams.set('to.address', address);
  const answer = await fetch(list, { signal: signal ?? null });
  const mails =
    answer.status === 404
      ? await mailsOfMailpit(mailUrl, address, signal)
      : z.array(Mail).parse(await answer.json());
  return mails.filter(({ to }) => to.some((recipient) => recipient.address === address));
}

const MailpitList = z.object({ messages: z.array(z.object({ ID: z.string() })) });
const MailpitMessage = z
  .object({
    To: z.array(z.object({ Address: z.string() })),
    Subject: z.string(),
    Text: z.string(),
    HTML: z.string(),
  })
  .transform(
    ({ To, Subject, Text, HTML }): Mail => ({
      to: To.map(({ Address }) => ({ address: Address })),
      headers: {},
      subject: Subject,
      text: Text,
      html: HTML,
    }),
  );

async function mailsOfMailpit(
  mailUrl: string,
  address: string,
  signal?: AbortSignal,
): Promise<Mail[]> {
  const read = async (url: URL) => (await fetch(url, { signal: signal ?? null })).json();
  const search = new URL('/api/v1/search', mailUrl);
  search.searchParams.set('query', `to:"${address}"`);
  const { messages } = MailpitList.parse(await read(search));
  const mails = await Promise.all(
    messages.map(({ ID }) => read(new URL(`/api/v1/message/${ID}`, mailUrl))),
  );
  // The newest comes first.
  return z.array(MailpitMessage).parse(mails.reverse());
}

/**
 * Every mail of the inbox (maildev only).
 *
 * @throws as `mailsTo` does.
 */
export async function everyMail(mailUrl: string, signal?: AbortSignal): Promise<Mail[]> {
  const answer = await fetch(new URL('/email', mailUrl), { signal: signal ?? null });
  return z.array(Mail).parse(await answer.json());
}

/** The token of the link in a verification or reset mail; undefined without such a link. */
export function tokenIn(mail: Mail): string | undefined {
  return /\?token=([\w.~-]+)\s*$/m.exec(mail.text)?.[1];
}
