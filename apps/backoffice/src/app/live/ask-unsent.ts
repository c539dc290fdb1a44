import { injectConfirm } from '../parts/confirm.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

/** Asks whether to sign out although that many presses would be lost. */
export function askUnsent(presses: number): Promise<boolean> {
  const text = injectText(texts);
  return injectConfirm()({
    title: text('unsentTitle', { n: presses }),
    text: text('unsentHint'),
    action: text('unsentDrop'),
    isDangerous: true,
  });
}
