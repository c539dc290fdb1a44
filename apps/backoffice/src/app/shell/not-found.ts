import { Component } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Heading } from '../parts/heading.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

/** The page at addresses that have none, or none for the reader's role. */
@Component({
  imports: [Heading, Icon, RouterLink],
  host: { class: 'empty whole' },
  template: `
    <span class="empty-mark"><qm-icon name="search" /></span>
    <h1 [qmHeading]="text('notFound')"></h1>
    <p class="lead">{{ text('notFoundHint') }}</p>
    <a class="button" routerLink="/">{{ text('home') }}</a>
  `,
})
export class NotFound {
  protected readonly text = injectText(texts);
}
