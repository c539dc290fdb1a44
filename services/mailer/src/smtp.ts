import { PermanentFailure } from '@queue-manager/events/consume';
import type { Clock } from '@queue-manager/service-kit/clock';
import { UpstreamError } from '@queue-manager/service-kit/internal-client';
import { createTransport } from 'nodemailer';
import type { RenderedMail } from './render-mail.ts';

export type Sender = { name: string; address: string };
type OutgoingMail = RenderedMail & {
  eventId: string;
  to: string;
  /** Mail clients offer it as a button. */
  unsubscribeLink: string | undefined;
};

export type Smtp = {
  /**
   * Resolves when the server has accepted the mail. Throws `PermanentFailure` when it rejected the mail permanently,
   * `MailDeferred` when it rejected it temporarily, and `UpstreamError` when it accepts no mail at all.
   */
  send(mail: OutgoingMail): Promise<void>;
  /** Connects and authenticates, if configured. Throws `UpstreamError` when that fails. */
  verify(): Promise<void>;
  close(): void;
};

/** A temporary rejection, with the server's reply without the recipient's address. */
class MailDeferred extends Error {
  override readonly name = 'MailDeferred';
}

/** nodemailer's error codes that concern the server, not a single mail. */
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
/** Overall timeout, for a server that trickles its replies. */
const sendMsMax = 60_000;
const replyLengthMax = 300;

/** A pool of connections to an SMTP server, such as `smtps://user:password@smtp.example.com`. */
export function createSmtp(options: { url: string; from: Sender; clock: Clock }): Smtp {
  const { from, clock } = options;
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  const transport = createTransport({
    url: options.url,
    pool: true,
    maxConnections: 5,
    // The message queue retries a mail whose connection broke, and counts the attempts.
    maxRequeues: 0,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: 30_000,
    // Mail content must never be read from files or URLs.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send({ eventId, to, subject, text, html, unsubscribeLink }) {
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          html,
          date: clock.now(),
          // The same for every delivery of the event, so that mail clients recognise a repeat.
          messageId: `<${eventId}@${domain}>`,
          headers: {
            'X-Event-Id': eventId,
            'Auto-Submitted': 'auto-generated',
            // One click, RFC 8058.
            ...(unsubscribeLink === undefined
              ? {}
              : {
                  'List-Unsubscribe': `<${unsubscribeLink}>`,
                  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
                }),
          },
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
        throw serverError(error as SmtpError);
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
  /** Whether the rejection is permanent. */
  permanent?: boolean;
};

function failureOf(cause: unknown, to: string): Error {
  const error = cause as SmtpError;
  const { code, response, responseCode } = error;
  if (serverCodes.has(code ?? '') || serverReplies.has(responseCode ?? 0))
    return serverError(error);
  // Rejected by nodemailer itself: the address is not usable.
  if (response === undefined) return new PermanentFailure(`the mail cannot be sent: ${code}`);
  const reply = redactedReply(response, to);
  return error.permanent ? new PermanentFailure(reply) : new MailDeferred(reply);
}

/** Without the server's reply, which does not concern a single mail. */
function serverError({ code, command, responseCode }: SmtpError): UpstreamError {
  const what = `${command ?? 'connection'}: ${responseCode ?? code ?? 'no answer'}`;
  return new UpstreamError(`The SMTP server is unavailable, ${what}`);
}

/**
 * A server's reply, for managers. Removes e-mail addresses: replies often repeat the recipient's address, its part
 * before the @, or the address that it is forwarded to.
 */
function redactedReply(response: string, to: string): string {
  const local = to.slice(0, to.lastIndexOf('@'));
  const redacted = response
    .replace(new RegExp(`(?<![\\w.-])<?${RegExp.escape(to)}>?`, 'gi'), 'the address')
    .replace(/<?[^\s<>()[\]"',;:=]+(?:@|%40)[^\s<>()[\]"',;:]+>?/gi, 'the address')
    .replace(new RegExp(`(?<![\\w.-])${RegExp.escape(local)}(?![\\w.-])`, 'giu'), 'the address')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return redacted.slice(0, replyLengthMax);
}
