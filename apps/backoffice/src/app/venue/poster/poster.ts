import { Component, computed, inject, input, linkedSignal, resource } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { pageUrl } from '@queue-manager/contracts/pages';
import { type Language, languages } from '@queue-manager/ui/text';
import { Empty } from '../../parts/empty.ts';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { allLanguages, injectText } from '../../parts/language.ts';
import { Api } from '../../session/api.ts';
import { Venues } from '../../session/venues.ts';
import { CopyField } from '../copy-field.ts';
import { LoadState } from '../load-state.ts';
import { injectQueues } from '../queues-of.ts';
import { Sheet } from './sheet.ts';
import { texts } from './strings.ts';

const papers = ['A4', 'A5'] as const;

/** The poster by which guests join a queue, and the links of the queue's pages. */
@Component({
  imports: [CopyField, Empty, Field, Heading, Icon, Input, LoadState, RouterLink, Sheet],
  styleUrl: './poster.css',
  templateUrl: './poster.html',
})
export class Poster {
  readonly venueId = input.required<string>();
  readonly queueId = input<string>();
  protected readonly text = injectText(texts);
  readonly #venues = inject(Venues);
  readonly #api = inject(Api);
  readonly #router = inject(Router);
  protected readonly papers = papers;
  protected readonly languages = allLanguages;

  protected readonly venue = computed(() => this.#venues.find(this.venueId()));
  protected readonly isManager = computed(() => this.#venues.may(this.venueId(), 'manager'));
  protected readonly queues = injectQueues(this.venueId);
  protected readonly queue = computed(() => {
    const queues = this.queues.hasValue() ? this.queues.value() : [];
    return queues.find(({ id }) => id === this.queueId()) ?? queues[0] ?? null;
  });
  protected readonly code = resource({
    params: () => this.queue()?.id,
    loader: async ({ params: queueId }) =>
      `data:image/svg+xml;base64,${toBase64(await this.#api.succeed('getQrSvg', { params: { queueId } }))}`,
  });
  protected readonly paper = linkedSignal<(typeof papers)[number]>(() => papers[0]);
  protected readonly language = linkedSignal<Language>(() => {
    const own = this.venue()?.locale.toLowerCase().split('-')[0] ?? 'en';
    return own in languages ? (own as Language) : 'en';
  });
  protected readonly links = computed(() => {
    const queue = this.queue();
    if (queue === null) return null;
    const { origin } = new URL(queue.joinUrl);
    return {
      join: queue.joinUrl,
      board: pageUrl(origin, 'board', queue.id),
      kiosk: pageUrl(origin, 'kiosk', queue.joinCode),
    };
  });

  protected choose(queueId: string): void {
    void this.#router.navigate([], { queryParams: { queueId }, replaceUrl: true });
  }

  protected print(): void {
    window.print();
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
