import { readFile } from 'node:fs/promises';
import type { MailContent } from '@queue-manager/contracts/events';
import { escapeHtml } from '@queue-manager/service-kit/escape-html';
import mjml2html from 'mjml';
import { inertName, isInert } from './inert-name.ts';
import {
  type AlertTexts,
  commonTexts,
  type Language,
  type LetterTexts,
  type Template,
  texts,
} from './texts.ts';

export type RenderedMail = { subject: string; text: string; html: string };

/** Renders a mail in the language of a locale: Portuguese for `pt` and `pt-*`, English for all others. */
export type RenderMail = (content: MailContent, locale: string) => RenderedMail;

type Body = 'account' | 'party' | 'alert';

/** The file in `templates/` with the body of each mail; `layout.mjml` surrounds it. */
const bodies: Record<Template, Body> = {
  'verify-account': 'account',
  'account-exists': 'account',
  'reset-password': 'account',
  'venue-invitation': 'account',
  'party-joined': 'party',
  'party-almost-there': 'party',
  'party-called': 'party',
  'party-recalled': 'party',
  'party-no-show': 'party',
  'party-removed': 'party',
  'party-restored': 'party',
  'operator-alert': 'alert',
};

type AlertContent = Extract<MailContent, { template: 'operator-alert' }>;
type LetterContent = Exclude<MailContent, AlertContent>;

/** Compiles all templates. Throws when one is invalid MJML. */
export async function loadTemplates(): Promise<RenderMail> {
  const layout = await readTemplate('layout');
  const compile = async (body: Body) => {
    const mjml = layout.replace('<!-- body -->', await readTemplate(body));
    return (await mjml2html(mjml, { validationLevel: 'strict' })).html;
  };
  const html: Record<Body, string> = {
    account: await compile('account'),
    party: await compile('party'),
    alert: await compile('alert'),
  };

  return (input, locale) => {
    const content = clean(input);
    const language = languageOf(locale);
    const { subject, paragraphs, slots } =
      content.template === 'operator-alert'
        ? alertOf(content, language)
        : letterOf(content, language);
    return {
      subject,
      text: `${[...paragraphs, 'Queue Manager'].join('\n\n')}\n`,
      html: fill(html[bodies[content.template]], { ...slots, language }),
    };
  };
}

/** The paragraphs of the text version, and the slot values of the HTML template. */
type Parts = { subject: string; paragraphs: string[]; slots: Record<string, string> };

function letterOf(content: LetterContent, language: Language): Parts {
  const common = commonTexts[language];
  // Invitations have no name: the recipient may have no account. A mail can do without a name that is not inert.
  const greeting = common.greeting(
    'name' in content && isInert(content.name) ? inertName(content.name) : '',
  );
  const textsFor = texts[content.template][language] as (content: LetterContent) => LetterTexts;
  const written = textsFor({
    ...content,
    ...('venueName' in content ? { venueName: inertName(content.venueName) } : {}),
    ...('queueName' in content ? { queueName: inertName(content.queueName) } : {}),
  });
  const { link } = content;
  const unsubscribe =
    'venueName' in content && 'unsubscribeLink' in content && content.unsubscribeLink !== undefined
      ? { label: common.unsubscribe(inertName(content.venueName)), link: content.unsubscribeLink }
      : undefined;
  return {
    subject: written.subject,
    // The link is on its own line, so that mail clients recognise its end.
    paragraphs: [
      greeting,
      written.intro,
      `${written.button}:\n${link}`,
      written.note,
      ...(unsubscribe === undefined ? [] : [`${unsubscribe.label}:\n${unsubscribe.link}`]),
    ],
    slots: {
      ...written,
      greeting,
      link,
      openLink: common.openLink,
      unsubscribe: unsubscribe?.label ?? '',
      unsubscribeLink: unsubscribe?.link ?? link,
      ...('number' in content ? { number: String(content.number) } : {}),
    },
  };
}

function alertOf(content: AlertContent, language: Language): Parts {
  const written: AlertTexts = texts['operator-alert'][language](content);
  return {
    subject: written.subject,
    paragraphs: [
      written.intro,
      `${written.errorLabel}: ${written.error}`,
      `${written.idsLabel}: ${written.ids}`,
      `${written.commandLabel}:\n${written.command}`,
    ],
    slots: written,
  };
}

function readTemplate(name: string): Promise<string> {
  return readFile(new URL(`./templates/${name}.mjml`, import.meta.url), 'utf8');
}

function languageOf(locale: string): Language {
  return /^pt(?:-|$)/i.test(locale) ? 'pt' : 'en';
}

/** Replaces each `{{slot}}` with its escaped value. */
function fill(html: string, slots: Record<string, string>): string {
  return html.replace(/\{\{(\w+)\}\}/g, (_, slot: string) => {
    const value = slots[slot];
    if (value === undefined) throw new Error(`Unknown slot in a template: ${slot}`);
    return escapeHtml(value);
  });
}

/**
 * Removes line breaks, control characters and bidirectional overrides from all texts, so that none can add a header
 * or a paragraph. Throws when the link is not a web address.
 */
function clean(content: MailContent): MailContent {
  const entries = Object.entries(content).map(([key, value]) => {
    if (key === 'link' || key === 'unsubscribeLink') return [key, webAddress(String(value))];
    return [key, cleanValue(value)];
  });
  return Object.fromEntries(entries) as MailContent;
}

function cleanValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleanValue);
  return typeof value === 'string' ? oneLine(value) : value;
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
}

function webAddress(link: string): string {
  const url = new URL(link);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new Error('A link in a mail must be an http or https URL');
  return url.href;
}
