import { numberFormat, pluralRules } from './formats.ts';

/** The languages of the apps, with their own names. */
export const languages = {
  en: 'English',
  pt: 'Português',
  es: 'Español',
  fr: 'Français',
  de: 'Deutsch',
  ar: 'العربية',
} as const;
export type Language = keyof typeof languages;

/** The forms that a number can ask for in each language (CLDR). */
type PluralForms = {
  en: 'one' | 'other';
  pt: 'one' | 'many' | 'other';
  es: 'one' | 'many' | 'other';
  fr: 'one' | 'many' | 'other';
  de: 'one' | 'other';
  ar: 'zero' | 'one' | 'two' | 'few' | 'many' | 'other';
};

type EnglishTable = Record<string, string | Record<PluralForms['en'], string>>;

/** The same texts in another language: a missing one, or a missing plural form, does not compile. */
type TranslatedTable<T extends EnglishTable, L extends Language> = {
  [K in keyof T]: T[K] extends string ? string : Record<PluralForms[L], string>;
};

/** The texts of a screen in every language. `{name}` is replaced by a value; `{n}` also selects the plural form. */
export type Texts<T extends EnglishTable> = { en: T } & {
  [L in Exclude<Language, 'en'>]: TranslatedTable<T, L>;
};

export function defineTexts<const T extends EnglishTable>(texts: Texts<T>): Texts<T> {
  return texts;
}

type NamesIn<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;
type NamesOf<E> = E extends string
  ? NamesIn<E>
  : E extends Record<string, string>
    ? NamesIn<E['other']> | 'n'
    : never;

export type Translate<T extends EnglishTable> = <K extends keyof T>(
  key: K,
  ...values: [NamesOf<T[K]>] extends [never]
    ? []
    : [{ [Name in NamesOf<T[K]>]: Name extends 'n' ? number : string | number }]
) => string;

/** The words of one reader. */
export type Reader = {
  language: Language;
  /** For `Intl`: with the reader's region if it is one of this language. */
  tag: string;
  direction: 'ltr' | 'rtl';
};

/**
 * The first language of ours among these tags; English if there is none. Digits are European in every language, like the
 * numbers on boards and printed tickets that guests compare theirs with.
 */
export function readerOf(
  wanted: readonly (string | null | undefined)[],
  regions: readonly string[] = [],
): Reader {
  const languageOf = (tag: string) => tag.toLowerCase().split('-')[0] as Language;
  const found = wanted.find((tag) => tag != null && languageOf(tag) in languages);
  const language = languageOf(found ?? 'en');
  const regional = [...regions, found ?? ''].find(
    (tag) => tag.includes('-') && languageOf(tag) === language,
  );
  return {
    language,
    tag: `${(regional ?? language).replace(/-u-.*/i, '')}-u-nu-latn`,
    direction: language === 'ar' ? 'rtl' : 'ltr',
  };
}

export function translator<T extends EnglishTable>(
  texts: Texts<T>,
  { language, tag }: Reader,
): Translate<T> {
  const table = texts[language] as Record<keyof T, string | Record<string, string>>;
  // French has a space before these, at which a line must not break.
  const unbroken = (text: string) =>
    language === 'fr' ? text.replace(/ (?=[:;?!])/g, '\u00a0') : text;
  return (key, ...[values = {}]) => {
    const entry = table[key];
    const named = values as Record<string, string | number>;
    const text =
      typeof entry === 'string'
        ? entry
        : (entry[pluralRules(tag).select(Number(named.n))] ?? entry.other);
    return unbroken(text ?? '').replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = named[name];
      return typeof value === 'number' ? numberFormat(tag).format(value) : (value ?? '');
    });
  };
}
