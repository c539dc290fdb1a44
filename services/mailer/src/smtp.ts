import { PermanentFailure } from '@queue-manager/events/consume';
import type { Clock } from '@queue-manager/service-kit/clock';
import { UpstreamError } from '@queue-manager/service-kit/internal-client';
import { createTransport } from 'nodemailer';
import type { RenderedMail } from './render-mail.ts';

export type Sender = { name: string; address: string };
export type OutgoingMail = RenderedMail & { eventId: string; to: string };

export type Smtp = {
  /**
   * Resolves when the server has taken the mail. Throws `PermanentFailure` when it refused this one for ever,
   * `MailPutOff` when it refused it for now, and `UpstreamError` when it can take none.
   */
  send(mail: OutgoingMail): Promise<void>;
  /** Connects, and signs in where the address says so. Throws `UpstreamError` when that fails. */
  verify(): Promise<void>;
  close(): void;
};

/** The server refused a mail for now, in its own words without the recipient's address. */
class MailPutOff extends Error {
  override readonly name = 'MailPutOff';
}

/** nodemailer's codes of what is about the server and not about one mail. */
const serverCodes = new Set([
  'EABORT',
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
/** "Closing transmission channel" (RFC 5321, 4.2.3) and "authentication required" (RFC 4954, 6). */
const serverReplies = new Set([421, 530]);
/** A server that trickles its replies is given up after this long. */
const sendMsMax = 60_000;
const wordsMax = 300;

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
          signal: AbortSignal.timeout(sendMsMax),
        });
      } catch (error) {
        throw failureOf(error, to);
      }
    },
    async verify() {
      try {
        await transport.verify();
      } catch (error) {
        throw unusable(error as SmtpError);
      }
    },
    close: () => transport.close(),
  };
}

type SmtpError = {
  code?: string;
  command?: string;
  response?: string;
  responseCode?: number;
  /** Whether the reply says that the same mail would be refused again. */
  permanent?: boolean;
};

function failureOf(cause: unknown, to: string): Error {
  const error = cause as SmtpError;
  const { code, response, responseCode } = error;
  if (serverCodes.has(code ?? '') || serverReplies.has(responseCode ?? 0)) return unusable(error);
  // Refused by nodemailer itself: there is no way to address the mail.
  if (response === undefined) return new PermanentFailure(`the mail cannot be sent: ${code}`);
  const words = wordsOf(response, to);
  return error.permanent ? new PermanentFailure(words) : new MailPutOff(words);
}

/** Says what failed and how, without the words of the server: nobody's mail is to be told about them. */
function unusable({ code, command, responseCode }: SmtpError): UpstreamError {
  const what = `${command ?? 'connection'}: ${responseCode ?? code ?? 'no answer'}`;
  return new UpstreamError(`The SMTP server cannot be used, ${what}`);
}

/**
 * A server's reply for managers to read. Replies tend to repeat the recipient's address, or its part before
 * the @, or the one it is forwarded to.
 */
function wordsOf(response: string, to: string): string {
  const local = to.slice(0, to.lastIndexOf('@'));
  const words = response
    .replace(/<?[^\s<>()[\]"',;:=]+(?:@|%40)[^\s<>()[\]"',;:]+>?/gi, 'the address')
    .replace(new RegExp(`(?<![\\w.-])${RegExp.escape(local)}(?![\\w.-])`, 'giu'), 'the address')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return words.slice(0, wordsMax);
}
