import { CdkMenu, CdkMenuItem, CdkMenuTrigger } from '@angular/cdk/menu';
import { Component, computed, type ElementRef, effect, inject, viewChild } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { kept } from '@queue-manager/ui/kept';
import { filter, map } from 'rxjs';
import { Dialogs } from '../parts/dialogs.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { Toasts } from '../parts/toasts.ts';
import { Connection } from '../session/connection.ts';
import { injectProblemText } from '../session/problem-text.ts';
import { Session } from '../session/session.ts';
import { includesRole, Venues } from '../session/venues.ts';
import { entries, majorEntriesMax } from './navigation.ts';
import { texts } from './strings.ts';

/** The venue that was open last, for screens that belong to none. */
const keptKey = 'backoffice.venue';

/** The frame of all screens for which somebody has to be signed in. */
@Component({
  imports: [CdkMenu, CdkMenuItem, CdkMenuTrigger, Icon, RouterLink, RouterLinkActive, RouterOutlet],
  host: { class: 'frame' },
  templateUrl: './frame.html',
})
export class Frame {
  protected readonly text = injectText(texts);
  protected readonly session = inject(Session);
  protected readonly connection = inject(Connection);
  protected readonly venues = inject(Venues);
  readonly #router = inject(Router);
  readonly #dialogs = inject(Dialogs);
  readonly #toasts = inject(Toasts);
  readonly #problemText = injectProblemText();
  private readonly main = viewChild.required<ElementRef<HTMLElement>>('main');

  readonly #url = toSignal(
    this.#router.events.pipe(
      filter((event) => event instanceof NavigationEnd),
      map(({ urlAfterRedirects }) => urlAfterRedirects),
    ),
    { initialValue: this.#router.url },
  );
  readonly #venueId = computed(() => /^\/venues\/([^/?]+)/.exec(this.#url())?.[1]);
  protected readonly venue = computed(() => {
    const id = this.#venueId() ?? kept.get<string>(keptKey);
    return id === null ? null : this.venues.find(id);
  });
  protected readonly otherVenues = computed(
    () => this.venues.all()?.filter(({ id }) => id !== this.venue()?.id) ?? [],
  );
  protected readonly entries = computed(() => {
    const venue = this.venue();
    if (venue === null) return [];
    return entries.filter(({ role }) => includesRole(venue.role, role));
  });
  protected readonly minorEntries = computed(() => this.entries().slice(majorEntriesMax));
  protected readonly initial = computed(() =>
    [...(this.session.account()?.name ?? '')].slice(0, 1).join('').toUpperCase(),
  );
  protected readonly majorEntriesMax = majorEntriesMax;

  constructor() {
    effect(() => {
      const id = this.#venueId();
      if (id !== undefined) kept.set(keptKey, id);
    });
  }

  /** The same screen of another venue. */
  protected pathIn(venueId: string): string {
    const screen = /^\/venues\/[^/]+\/([^/?]+)/.exec(this.#url())?.[1];
    return `/venues/${venueId}/${screen ?? entries[0]?.path ?? ''}`;
  }

  protected skip(): void {
    this.main().nativeElement.focus();
  }

  protected async chooseDisplay(): Promise<void> {
    const { DisplayDialog } = await import('./display-dialog.ts');
    await this.#dialogs.open(DisplayDialog);
  }

  protected async signOut(): Promise<void> {
    try {
      await this.session.signOut();
    } catch (error) {
      this.#toasts.show({ text: this.#problemText(error) });
    }
  }
}
