import { Component, computed, inject, signal } from '@angular/core';
import { bodyOf, type Success } from '@queue-manager/client/client';
import { timeFormat } from '@queue-manager/ui/formats';
import { ageWords } from '@queue-manager/ui/words';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { texts } from './strings.ts';

type OpenSession = Success<'listSessions'>['data'][number];

@Component({
  selector: 'qm-session-list',
  template: `
    <div class="stack-close">
      <h2 #heading tabindex="-1">{{ text('sessionsTitle') }}</h2>
      <p class="muted">{{ text('sessionsLead') }}</p>
    </div>
    @if (failure(); as failure) {
      <div class="row" role="alert">
        <span>{{ text('unreachable') }} {{ failure }}</span>
        <button type="button" class="button" (click)="read()">{{ text('tryAgain') }}</button>
      </div>
    }
    <ul class="rows" [attr.aria-busy]="sessions() === null">
      @for (session of sessions(); track session.id) {
        <li>
          <div>
            <p>{{ text('signedInOn', { date: dateOf(session.createdAt) }) }}</p>
            <p class="muted small">{{ text('lastUsed', { age: ageOf(session.lastUsedAt) }) }}</p>
          </div>
          @if (session.current) {
            <span class="chip ok">{{ text('thisBrowser') }}</span>
          } @else {
            <button
              type="button"
              class="button"
              [attr.aria-disabled]="isBusy()"
              (click)="end([session], heading)"
            >
              {{ text('signOutThere') }}
              <span class="hidden">{{ dateOf(session.createdAt) }}</span>
            </button>
          }
        </li>
      }
    </ul>
    @if (others().length > 1) {
      <div>
        <button
          type="button"
          class="button"
          [attr.aria-disabled]="isBusy()"
          (click)="end(others(), heading)"
        >
          {{ text('signOutOthers') }}
        </button>
      </div>
    }
  `,
})
export class SessionList {
  protected readonly text = injectText(texts);
  protected readonly sessions = signal<OpenSession[] | null>(null);
  protected readonly others = computed(
    () => this.sessions()?.filter(({ current }) => !current) ?? [],
  );
  protected readonly isBusy = signal(false);
  protected readonly failure = signal<string | null>(null);
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);
  readonly #problemText = injectProblemText();
  readonly #language = inject(ReaderLanguage);
  readonly #clock = inject(Session).serverClock;

  constructor() {
    void this.read();
  }

  /** An account has fewer sessions than a page holds. */
  protected async read(): Promise<void> {
    this.failure.set(null);
    try {
      const { data } = await this.#api.succeed('listSessions', { query: { limit: 100 } });
      this.sessions.set(data);
    } catch (error) {
      this.failure.set(this.#problemText(error));
    }
  }

  /** The focus goes to the heading: the pressed button goes with its session. */
  protected async end(ending: OpenSession[], heading: HTMLElement): Promise<void> {
    if (this.isBusy()) return;
    this.isBusy.set(true);
    try {
      for (const { id } of ending) {
        const answer = await this.#api.call('endSession', { params: { sessionId: id } });
        // Otherwise it has ended already.
        if (answer.status !== 404) bodyOf('endSession', answer);
      }
      this.#toasts.show({ text: this.text('signedOutThere') });
      heading.focus();
    } catch (error) {
      this.#toasts.show({ text: this.#problemText(error) });
    } finally {
      this.isBusy.set(false);
      await this.read();
    }
  }

  protected dateOf(time: string): string {
    const { tag } = this.#language.reader();
    return timeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));
  }

  protected ageOf(time: string): string {
    return ageWords(this.#language.reader(), this.#clock.now() - Date.parse(time));
  }
}
