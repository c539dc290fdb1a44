import type { Clock } from '@queue-manager/service-kit/clock';
import { UpstreamError } from '@queue-manager/service-kit/internal-client';
import { createTransport } from 'nodemailer';
import type { RenderedMail } from './render-mail.ts';

export type Sender = { name: string; address: string };
export type OutgoingMail = RenderedMail & { eventId: string; to: string };

export type Smtp = {
  /**
   * Resolves when the server has taken the mail. Throws `MailRefused` when it refused this one, and
   * `UpstreamError` when it can take none.
   */
  send(mail: OutgoingMail): Promise<void>;
  /** Connects, and signs in where the address says so. Throws `UpstreamError` when that fails. */
  verify(): Promise<void>;
  close(): void;
};

/**
 * The server refused a mail, for ever (5xx) or for now (4xx). Its own words are left out: they tend to
 * repeat the recipient's address.
 */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
}

/** nodemailer's codes of what is about the server and not about one mail. */
const serverCodes = new Set([
  'EAUTH',
  'ECONNECTION',
  'EDNS',
  'ENOAUTH',
  'EPROTOCOL',
  'EPROXY',
  'ESOCKET',
  'ETIMEDOUT',
  'ETLS',
]);
/** "Service not available, closing transmission channel": RFC 5321, 4.2.3. */
const closingCode = 421;

/** A pool of connections to an SMTP server, such as `smtps://user:password@smtp.example.com`. */
export function createSmtp(options: { url: string; from: Sender; clock: Clock }): Smtp {
  const { from, clock } = options;
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  const transport = createTransport({
    url: options.url,
    pool: true,
    maxConnections: 5,
    // A mail whose connection broke is sent again by the queue, which counts the tries.
    maxRequeues: 0,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: 30_000,
    // Mails are made of what they are given, never of files or addresses it names.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send({ eventId, to, subject, text, html }) {
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          html,
          date: clock.now(),
          // The same for every delivery of the event, so that mail programs can tell a repeat.
          messageId: `<${eventId}@${domain}>`,
          headers: { 'X-Event-Id': eventId, 'Auto-Submitted': 'auto-generated' },
        });
      } catch (error) {
        throw withoutWords(error);
      }
    },
    async verify() {
      try {
        await transport.verify();
      } catch (error) {
        throw withoutWords(error);
      }
    },
    close: () => transport.close(),
  };
}

/** Says what failed and how, and leaves the words of the server behind. */
function withoutWords(error: unknown): Error {
  const { code, command, responseCode } = error as {
    code?: string;
    command?: string;
    responseCode?: number;
  };
  const what = `${command ?? 'connection'}: ${responseCode ?? code ?? 'no answer'}`;
  if (responseCode === closingCode || serverCodes.has(code ?? ''))
    return new UpstreamError(`The SMTP server cannot be used, ${what}`);
  return new MailRefused(`The mail was refused, ${what}`);
}
