import { type Texts, type Translate, translator } from '@queue-manager/ui/text';
import { useMemo } from 'react';
import { useLanguage } from './language.tsx';

/** The texts of a screen in the reader's language. */
export function useText<T extends Record<string, string | { one: string; other: string }>>(
  texts: Texts<T>,
): Translate<T> {
  const { reader } = useLanguage();
  return useMemo(() => translator(texts, reader), [texts, reader]);
}
