import { kept } from '@queue-manager/ui/kept';
import { type Language, languages, type Reader, readerOf } from '@queue-manager/ui/text';
import {
  createContext,
  type ReactNode,
  useContext,
  useLayoutEffect,
  useMemo,
  useState,
} from 'react';

type LanguageOfPage = {
  reader: Reader;
  choose(language: Language): void;
  /** Forgets the choice of the last reader of a shared screen. */
  reset(): void;
  /** The venue's language, once it is known. */
  setVenue(locale: string): void;
};

const Context = createContext<LanguageOfPage | null>(null);

const name = 'language';

/**
 * The language of a page: what the reader has chosen, else the browser's, else the venue's. The screens of a venue put
 * its language first, and keep a choice only until the next guest.
 */
export function LanguageProvider({
  isOfVenue,
  children,
}: {
  isOfVenue: boolean;
  children: ReactNode;
}) {
  const [chosen, setChosen] = useState(() => (isOfVenue ? null : kept.get<Language>(name)));
  const [venue, setVenue] = useState<string | null>(null);
  const reader = useMemo(() => {
    const own = navigator.languages;
    return readerOf(isOfVenue ? [chosen, venue, ...own] : [chosen, ...own, venue], own);
  }, [chosen, venue, isOfVenue]);

  useLayoutEffect(() => {
    document.documentElement.lang = reader.language;
    document.documentElement.dir = reader.direction;
  }, [reader]);

  const value = useMemo(
    () => ({
      reader,
      choose(language: Language) {
        if (!isOfVenue) kept.set(name, language);
        setChosen(language);
      },
      reset: () => setChosen(null),
      setVenue,
    }),
    [reader, isOfVenue],
  );
  return <Context value={value}>{children}</Context>;
}

export function useLanguage(): LanguageOfPage {
  const value = useContext(Context);
  if (value === null) throw new Error('LanguageProvider is missing');
  return value;
}

export const allLanguages = Object.entries(languages) as [Language, string][];
