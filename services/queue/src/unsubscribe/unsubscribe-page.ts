import { escapeHtml } from '@queue-manager/service-kit/escape-html';
import type { FastifyReply, FastifyRequest } from 'fastify';

type Texts = { title: string; text: string; button?: string };

const texts = {
  en: {
    ask: (venue: string): Texts => ({
      title: `Stop e-mails from ${venue}?`,
      text: `You won't get any more e-mails from ${venue}, even if you join its line again. Your ticket still shows your place.`,
      button: 'Stop e-mails',
    }),
    done: (venue: string): Texts => ({
      title: 'Done',
      text: `You won't get any more e-mails from ${venue}.`,
    }),
  },
  pt: {
    ask: (venue: string): Texts => ({
      title: `Deixar de receber e-mails de ${venue}?`,
      text: `Não receberá mais e-mails de ${venue}, mesmo que volte a entrar na fila. A sua senha continua a mostrar o seu lugar.`,
      button: 'Deixar de receber',
    }),
    done: (venue: string): Texts => ({
      title: 'Feito',
      text: `Não receberá mais e-mails de ${venue}.`,
    }),
  },
};

/**
 * The page behind an unsubscribe link, in the browser's language, and headers that keep the link to its reader. Works
 * without scripts and styles, which the gateway's security headers forbid.
 */
export function unsubscribePage(
  { headers }: Pick<FastifyRequest, 'headers'>,
  reply: FastifyReply,
  page: 'ask' | 'done',
  venueName: string,
): string {
  reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  const language = /^pt\b/i.test(headers['accept-language'] ?? '') ? 'pt' : 'en';
  const { title, text, button } = texts[language][page](escapeHtml(venueName));
  const form =
    button === undefined ? '' : `<form method="post"><p><button>${button}</button></p></form>`;
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no">
<meta name="robots" content="noindex">
<title>${title}</title>
</head>
<body>
<h1>${title}</h1>
<p>${text}</p>
${form}
</body>
</html>
`;
}
