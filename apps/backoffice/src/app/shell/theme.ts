import { effect, Injectable, signal } from '@angular/core';
import { kept } from '@queue-manager/ui/kept';

export const themes = ['system', 'light', 'dark', 'contrast'] as const;
export type ThemeName = (typeof themes)[number];

const keptKey = 'backoffice.theme';

/** The appearance that was chosen on this device; styles follow the attribute `data-theme` of the root element. */
@Injectable({ providedIn: 'root' })
export class Theme {
  readonly #chosen = signal(kept.get<ThemeName>(keptKey) ?? 'system');
  readonly chosen = this.#chosen.asReadonly();

  constructor() {
    effect(() => {
      document.documentElement.setAttribute('data-theme', this.#chosen());
    });
  }

  choose(theme: ThemeName): void {
    kept.set(keptKey, theme);
    this.#chosen.set(theme);
  }
}
