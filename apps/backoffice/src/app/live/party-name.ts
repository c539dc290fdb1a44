import type { Row } from '../line/row.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

/** What a party is called: its number while its name has not been read yet, and once it has been erased. */
export function injectPartyName(): (party: Pick<Row, 'name' | 'number'>) => string {
  const text = injectText(texts);
  return ({ name, number }) => name ?? text('numbered', { number: String(number ?? '…') });
}
