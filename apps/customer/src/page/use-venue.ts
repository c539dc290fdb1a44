import { applyAccent } from '@queue-manager/ui/color';
import { useLayoutEffect } from 'react';
import { useLanguage } from './language.tsx';

/** Gives the page the color and the language of the venue, and its name as the title. */
export function useVenue(
  venue: { accentColor: string | null; locale: string } | null,
  title: string | null,
): void {
  const { setVenue } = useLanguage();
  const { accentColor, locale } = venue ?? { accentColor: null, locale: null };
  useLayoutEffect(() => {
    if (locale === null) return;
    setVenue(locale);
    applyAccent(document.documentElement, accentColor);
  }, [accentColor, locale, setVenue]);
  useLayoutEffect(() => {
    if (title !== null) document.title = title;
  }, [title]);
}
