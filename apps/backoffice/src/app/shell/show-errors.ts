import { Location } from '@angular/common';
import { type ErrorHandler, Injectable, inject } from '@angular/core';
import { RefusedCall } from '@queue-manager/client/client';
import { injectText } from '../parts/language.ts';
import { Toasts } from '../parts/toasts.ts';
import { SessionEnded } from '../session/access-tokens.ts';
import { injectProblemText } from '../session/problem-text.ts';
import { texts } from './strings.ts';

/** Without the file of its first screen, the page is empty: the toast stays. */
const dayMs = 24 * 60 * 60 * 1_000;

/** What no screen has caught: the reader is told, and may go on. */
@Injectable()
export class ShowErrors implements ErrorHandler {
  readonly #toasts = inject(Toasts);
  readonly #text = injectText(texts);
  readonly #problemText = injectProblemText();
  readonly #location = inject(Location);
  /** Where the navigation that has just failed led to: the router is back where it was. */
  failedUrl: string | null = null;

  handleError(error: unknown): void {
    const url = this.failedUrl;
    this.failedUrl = null;
    // Somebody has just signed out; what was under way ends.
    if (error instanceof SessionEnded) return;
    const action = { text: this.#text('reload'), run: () => location.reload() };
    if (isMissingFile(error)) {
      const open = () => location.assign(this.#location.prepareExternalUrl(url ?? ''));
      const again = { ...action, run: url === null ? action.run : open };
      this.#toasts.show({ text: this.#text('unreachable'), action: again, ms: dayMs });
    } else if (error instanceof RefusedCall || isOfNetwork(error)) {
      this.#toasts.show({ text: this.#problemText(error) });
    } else {
      console.error(error);
      this.#toasts.show({ text: this.#text('failed'), action });
    }
  }
}

/** What `fetch` rejects with, in the words of each browser. */
function isOfNetwork(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    /^(Failed to fetch|NetworkError when|Load failed|network error)/i.test(error.message)
  );
}

/** A lazily loaded file that the network has lost, or whose build has been replaced. */
function isMissingFile(error: unknown): boolean {
  return error instanceof TypeError && /module/i.test(error.message);
}
