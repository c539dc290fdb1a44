import { type ErrorHandler, Injectable, inject } from '@angular/core';
import { RefusedCall } from '@queue-manager/client/client';
import { injectText } from '../parts/language.ts';
import { Toasts } from '../parts/toasts.ts';
import { SessionEnded } from '../session/access-tokens.ts';
import { injectProblemText } from '../session/problem-text.ts';
import { texts } from './strings.ts';

/** What no screen has caught: the reader is told, and may go on. */
@Injectable()
export class ShowErrors implements ErrorHandler {
  readonly #toasts = inject(Toasts);
  readonly #text = injectText(texts);
  readonly #problemText = injectProblemText();

  handleError(error: unknown): void {
    // Somebody has just signed out; what was under way ends.
    if (error instanceof SessionEnded) return;
    if (error instanceof RefusedCall || isOfNetwork(error)) {
      this.#toasts.show({ text: this.#problemText(error) });
      return;
    }
    console.error(error);
    this.#toasts.show({
      text: this.#text(isMissingFile(error) ? 'newVersion' : 'failed'),
      action: { text: this.#text('reload'), run: () => location.reload() },
    });
  }
}

/** What `fetch` rejects with, in the words of each browser. */
function isOfNetwork(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    /^(Failed to fetch|NetworkError when|Load failed|network error)/i.test(error.message)
  );
}

/** A lazily loaded file of a build that has been replaced. */
function isMissingFile(error: unknown): boolean {
  return error instanceof TypeError && /module/i.test(error.message);
}
