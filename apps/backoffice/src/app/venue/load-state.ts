import { Component, input, type ResourceRef } from '@angular/core';
import { Empty } from '../parts/empty.ts';
import { injectText } from '../parts/language.ts';
import { injectProblemText } from '../session/problem-text.ts';
import { texts } from './strings.ts';

/** Says that something is being loaded, or that it could not be, until it is there. */
@Component({
  selector: 'qm-load-state',
  imports: [Empty],
  styles: ':host { display: contents; }',
  template: `
    @if (of().error(); as error) {
      <qm-empty icon="offline" [title]="text('unreachable')" [hint]="problemText(causeOf(error))">
        <button type="button" class="button" (click)="of().reload()">{{ text('tryAgain') }}</button>
      </qm-empty>
    } @else if (!of().hasValue()) {
      <p class="muted" role="status">{{ text('loading') }}</p>
    }
  `,
})
export class LoadState {
  readonly of = input.required<ResourceRef<unknown>>();
  protected readonly text = injectText(texts);
  protected readonly problemText = injectProblemText();

  /** A resource wraps what is no error of its own kind. */
  protected causeOf(error: Error): unknown {
    return error.cause ?? error;
  }
}
