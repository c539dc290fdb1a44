import { readFile } from 'node:fs/promises';
import type { MailContent } from '@queue-manager/contracts/events';
import mjml2html from 'mjml';
import {
  type AlertTexts,
  commonTexts,
  type Language,
  type LetterTexts,
  type Template,
  texts,
} from './texts.ts';

export type RenderedMail = { subject: string; text: string; html: string };

/** Renders a mail in the language of a locale: Portuguese for `pt` and its kin, English for all others. */
export type RenderMail = (content: MailContent, locale: string) => RenderedMail;

type Body = 'account' | 'party' | 'alert';

/** The file in `templates/` that makes the body of a mail, between what all have in common. */
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
  'party-restored': 'party',
  'operator-alert': 'alert',
};

type AlertContent = Extract<MailContent, { template: 'operator-alert' }>;
type LetterContent = Exclude<MailContent, AlertContent>;

/** Compiles all templates, once. Throws when one is not valid MJML. */
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

  return (written, locale) => {
    const content = clean(written);
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

/** What a mail says, as paragraphs of its text and as values of its template. */
type Said = { subject: string; paragraphs: string[]; slots: Record<string, string> };

function letterOf(content: LetterContent, language: Language): Said {
  const common = commonTexts[language];
  // Who is invited may have no account, so there is no name to greet it by.
  const greeting = common.greeting('name' in content ? unlinked(content.name) : '');
  const say = texts[content.template][language] as (content: LetterContent) => LetterTexts;
  const said = say(
    content.template === 'venue-invitation'
      ? { ...content, venueName: unlinked(content.venueName) }
      : content,
  );
  const { link } = content;
  return {
    subject: said.subject,
    // The link has a line of its own, so that every mail program finds where it ends.
    paragraphs: [greeting, said.intro, `${said.button}:\n${link}`, said.note],
    slots: {
      ...said,
      greeting,
      link,
      openLink: common.openLink,
      ...('number' in content ? { number: String(content.number) } : {}),
    },
  };
}

function alertOf(content: AlertContent, language: Language): Said {
  const said: AlertTexts = texts['operator-alert'][language](content);
  return {
    subject: said.subject,
    paragraphs: [
      said.intro,
      `${said.errorLabel}: ${said.error}`,
      `${said.idsLabel}: ${said.ids}`,
      `${said.commandLabel}:\n${said.command}`,
    ],
    slots: said,
  };
}

function readTemplate(name: string): Promise<string> {
  return readFile(new URL(`./templates/${name}.mjml`, import.meta.url), 'utf8');
}

function languageOf(locale: string): Language {
  return /^pt(?:-|$)/i.test(locale) ? 'pt' : 'en';
}

/** Puts values where a template names them as `{{slot}}`, escaped. */
function fill(html: string, slots: Record<string, string>): string {
  return html.replace(/\{\{(\w+)\}\}/g, (_, slot: string) => {
    const value = slots[slot];
    if (value === undefined) throw new Error(`A template names the unknown slot ${slot}`);
    return escapeHtml(value);
  });
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}

/**
 * Every text on one line and without characters that turn its direction, so that none can start a header or
 * a paragraph of its own; the link an address of the web.
 */
function clean(content: MailContent): MailContent {
  const entries = Object.entries(content).map(([key, value]) => {
    if (key === 'link') return [key, webAddress(String(value))];
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
    throw new Error('A link in a mail must be an address of the web');
  return url.href;
}

/**
 * Whoever signs up, joins a line or invites to a venue chooses both the name and who gets the mail. A name
 * that a mail program would turn into a link is left out, so that these mails carry no stranger's
 * advertisement.
 */
function unlinked(name: string): string {
  return /:\/\/|[\p{L}\p{N}]\.\p{L}{2}/u.test(name) ? '' : name;
}
