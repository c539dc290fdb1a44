import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject } from '@angular/core';
import { DialogFrame } from '../../parts/dialog-frame.ts';
import { Field, Input } from '../../parts/field.ts';
import { injectText } from '../../parts/language.ts';
import { injectVenueForm } from '../venue-form.ts';
import { texts } from './strings.ts';

export type NameQuestion = {
  title: string;
  lead: string;
  /** Has to be typed. */
  name: string;
  /** The deletion. The dialog shows what it throws. */
  run(): Promise<unknown>;
};

/** Deletes something once its name has been typed. Closes with true. */
@Component({
  imports: [DialogFrame, Field, Input],
  template: `
    <qm-dialog [title]="question.title">
      <p>{{ question.lead }}</p>
      <form id="name-form" class="stack-close" novalidate (submit)="submit($event)">
        <qm-field
          [label]="text('typeName', { name: question.name })"
          [error]="form.fault('typed')"
        >
          <input qmInput name="typed" autocomplete="off" spellcheck="false" dir="auto" />
        </qm-field>
        <p class="error" role="alert">{{ form.failure() }}</p>
      </form>
      <button
        actions
        type="submit"
        form="name-form"
        class="button main danger"
        [attr.aria-disabled]="form.isBusy()"
      >
        {{ text('deleteSure') }}
      </button>
    </qm-dialog>
  `,
})
export class NameDialog {
  protected readonly text = injectText(texts);
  protected readonly question = inject<NameQuestion>(DIALOG_DATA);
  readonly #ref = inject<DialogRef<boolean>>(DialogRef);
  protected readonly form = injectVenueForm<'typed'>().form;

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ typed }) => ({
        typed: typed.trim() === this.question.name.trim() ? null : this.text('nameDiffers'),
      }),
      async () => {
        await this.question.run();
        this.#ref.close(true);
      },
    );
  }
}
