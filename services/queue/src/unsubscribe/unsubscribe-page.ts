import { createHash } from 'node:crypto';
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

const style = `
:root { color-scheme: light dark; --accent: light-dark(#0b57d0, #8ab4f8); --on-accent: light-dark(#fff, #10131a) }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; font: 1.0625rem/1.5 system-ui, sans-serif;
  background: light-dark(#f4f5f7, #10131a); color: light-dark(#1b1f27, #e8eaf0) }
main { box-sizing: border-box; width: min(28rem, 100vw - 2rem); padding: 2rem; border-radius: 1rem;
  background: light-dark(#fff, #1b1f27); box-shadow: 0 1px 4px light-dark(#0003, #0008) }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.3; text-wrap: balance; overflow-wrap: anywhere }
p { margin: 0; overflow-wrap: anywhere }
button { margin-top: 1.5rem; width: 100%; min-height: 3rem; border: 0; border-radius: .75rem; font: inherit;
  font-weight: 600; cursor: pointer; background: var(--accent); color: var(--on-accent) }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px }
`;
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The page behind an unsubscribe link, in the browser's language, and headers that keep the link to its reader. Works
 * without scripts.
 */
export function unsubscribePage(
  { headers }: Pick<FastifyRequest, 'headers'>,
  reply: FastifyReply,
  page: 'ask' | 'done',
  venueName: string,
): string {
  reply.headers({
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
  });
  const language = /^pt\b/i.test(headers['accept-language'] ?? '') ? 'pt' : 'en';
  const { title, text, button } = texts[language][page](escapeHtml(venueName));
  const form = button === undefined ? '' : `<form method="post"><button>${button}</button></form>`;
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${text}</p>
${form}
</main>
</body>
</html>
`;
}
