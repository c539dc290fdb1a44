import { Injectable, signal } from '@angular/core';
import { kept } from '@queue-manager/ui/kept';

const keptKey = 'backoffice.shortcuts';

/** Single keys that do something at the stand; people who dictate or tremble can turn them off (WCAG 2.1.4). */
@Injectable({ providedIn: 'root' })
export class Shortcuts {
  readonly #areOn = signal(kept.get<boolean>(keptKey) ?? true);
  readonly areOn = this.#areOn.asReadonly();

  set(areOn: boolean): void {
    kept.set(keptKey, areOn);
    this.#areOn.set(areOn);
  }
}

/** What the keys do: the name of their text, in groups. */
export const shortcuts = {
  c: 'keyCall',
  n: 'keyAdd',
  u: 'keyUndo',
  '/': 'keySearch',
  '↑ ↓': 'keySelect',
  s: 'keySeat',
  x: 'keyNoShow',
  d: 'keyDepart',
  r: 'keyRestore',
  m: 'keyMove',
  e: 'keyEdit',
  t: 'keyTicket',
  Delete: 'keyRemove',
  '1 – 9': 'keyQueue',
  '?': 'keyHelp',
} as const;

/** Whether a key was meant for what has the focus, or for the browser. */
export function isTyped({ target, ctrlKey, metaKey, altKey, isComposing }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || isComposing) return true;
  return (target as HTMLElement).closest('input, textarea, select, [role=menu]') !== null;
}

/** Whether a dialog is open, also before it has got the focus. */
export function isCovered(): boolean {
  return document.querySelector('.cdk-overlay-container [role=dialog]') !== null;
}
