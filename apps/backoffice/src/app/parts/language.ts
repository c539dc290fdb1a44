import { computed, effect, Injectable, inject, signal } from '@angular/core';
import { numberFormat } from '@queue-manager/ui/formats';
import { kept } from '@queue-manager/ui/kept';
import {
  type Language,
  languages,
  readerOf,
  type Texts,
  type Translate,
  translator,
} from '@queue-manager/ui/text';

const name = 'language';

export const allLanguages = Object.entries(languages) as [Language, string][];

/** The language of the reader: what they have chosen, else the browser's. */
@Injectable({ providedIn: 'root' })
export class ReaderLanguage {
  readonly #chosen = signal(kept.get<Language>(name));
  readonly reader = computed(() =>
    readerOf([this.#chosen(), ...navigator.languages], navigator.languages),
  );

  constructor() {
    effect(() => {
      const { language, direction } = this.reader();
      document.documentElement.lang = language;
      document.documentElement.dir = direction;
    });
  }

  number(value: number): string {
    return numberFormat(this.reader().tag).format(value);
  }

  choose(language: Language): void {
    kept.set(name, language);
    this.#chosen.set(language);
  }
}

/** The texts of a screen in the reader's language; follows a change of the language. */
export function injectText<T extends Record<string, string | { one: string; other: string }>>(
  texts: Texts<T>,
): Translate<T> {
  const { reader } = inject(ReaderLanguage);
  const translate = computed(() => translator(texts, reader()));
  return (key, ...values) => translate()(key, ...values);
}
