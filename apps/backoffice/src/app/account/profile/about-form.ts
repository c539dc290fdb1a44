import { Component, inject } from '@angular/core';
import type { Language } from '@queue-manager/ui/text';
import { Field, Input } from '../../parts/field.ts';
import { allLanguages, injectText, ReaderLanguage } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { Session } from '../../session/session.ts';
import { injectChecks, injectForm } from '../form.ts';
import { texts } from './strings.ts';

@Component({
  selector: 'qm-about-form',
  imports: [Field, Input],
  template: `
    <h2>{{ text('about') }}</h2>
    <form class="stack" novalidate (submit)="submit($event)">
      <qm-field [label]="text('name')" [error]="form.fault('name')">
        <input qmInput name="name" autocomplete="name" dir="auto" [value]="account()?.name" />
      </qm-field>
      <qm-field [label]="text('email')" [hint]="text('emailFixed')">
        <input qmInput type="email" readonly [value]="account()?.email" />
      </qm-field>
      <qm-field [label]="text('language')" [hint]="text('languageHint')">
        <select qmInput name="locale">
          @for (entry of all; track entry[0]) {
            <option [value]="entry[0]" [lang]="entry[0]" [selected]="entry[0] === current">
              {{ entry[1] }}
            </option>
          }
        </select>
      </qm-field>
      <p class="error" role="alert">{{ form.failure() }}</p>
      <div>
        <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'saving' : 'save') }}
        </button>
      </div>
    </form>
  `,
})
export class AboutForm {
  protected readonly text = injectText(texts);
  protected readonly form = injectForm<'name' | 'locale'>();
  protected readonly all = allLanguages;
  readonly #check = injectChecks();
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #language = inject(ReaderLanguage);
  readonly #toasts = inject(Toasts);
  protected readonly account = this.#session.account;
  protected readonly current = this.#language.reader().language;

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ name }) => ({ name: this.#check.name(name) }),
      async ({ name, locale }) => {
        const language = locale as Language;
        const before = this.account()?.locale ?? '';
        const body = {
          name: name.trim(),
          // Keeps the region of the account's language.
          ...(before.split('-')[0] === language ? {} : { locale: language }),
        };
        this.#session.setAccount(await this.#api.succeed('updateMe', { body }));
        this.#language.choose(language);
        this.#toasts.show({ text: this.text('saved') });
      },
    );
  }
}
