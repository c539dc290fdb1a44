import { Component, computed, inject } from '@angular/core';
import { timeOfDay } from '@queue-manager/ui/words';
import { Icon } from '../parts/icon.ts';
import { injectText, ReaderLanguage } from '../parts/language.ts';
import { isStoreBlocked } from './store.ts';
import { texts } from './strings.ts';
import { VenueLine } from './venue-line.ts';

/** Says when what is shown may be old, and how many presses wait for the network. */
@Component({
  selector: 'qm-line-banner',
  imports: [Icon],
  template: `
    <div role="status">
      @if (isOffline()) {
        <div class="notice warning">
          <qm-icon name="offline" />
          <p>
            <span class="strong">{{ asOf() }}</span>
            @if (queued() > 0) {
              <span>{{ text('queued', { n: queued() }) }}</span>
            }
            <span class="hint">{{ text('offlineHint') }}</span>
          </p>
        </div>
      } @else if (isOtherVersion()) {
        <div class="notice warning"><qm-icon name="warning" /><p>{{ text('otherVersion') }}</p></div>
      } @else if (venueLine.failure()) {
        <div class="notice danger"><qm-icon name="warning" /><p>{{ text('noStore') }}</p></div>
      } @else if (snapshot()?.connection === 'gone') {
        <div class="notice danger"><qm-icon name="warning" /><p>{{ text('gone') }}</p></div>
      }
    </div>
  `,
  styles: `
    :host {
      display: contents;
    }
    div:empty {
      position: absolute;
    }
    p {
      display: flex;
      flex-wrap: wrap;
      gap: 0 var(--space-2);
    }
    @media (max-width: 36rem) {
      .hint {
        display: none;
      }
    }
  `,
})
export class LineBanner {
  protected readonly text = injectText(texts);
  readonly #language = inject(ReaderLanguage);
  protected readonly venueLine = inject(VenueLine);
  protected readonly snapshot = this.venueLine.snapshot;
  protected readonly isOffline = computed(() => this.snapshot()?.connection === 'offline');
  /** A newer version of the app has changed the store, or an older one keeps this tab from doing so. */
  protected readonly isOtherVersion = computed(
    () => isStoreBlocked() || (this.venueLine.failure() as Error | null)?.name === 'VersionError',
  );
  protected readonly queued = computed(() => this.snapshot()?.queued ?? 0);
  protected readonly asOf = computed(() => {
    const asOf = this.snapshot()?.asOf ?? null;
    if (asOf === null) return this.text('offlineNever');
    return this.text('offline', {
      time: timeOfDay(this.#language.reader(), undefined, asOf),
    });
  });
}
