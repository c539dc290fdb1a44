import { afterNextRender, Injector, inject, type Signal, signal } from '@angular/core';
import { problemCode, RefusedCall } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import type { ProblemCode } from '@queue-manager/contracts/problems';
import { injectProblemText } from './problem-text.ts';

/** What is wrong with fields, by their names. */
export type Faults<Name extends string> = Partial<Record<Name, string | null>>;
type Values<Name extends string> = Record<Name, string>;

export type FormOptions<Name extends string> = {
  /** What the server found wrong with a field, in words. */
  invalid(name: Name, message: string): string;
  /** Explains problems that mean something of their own here; the others have their usual texts. */
  explain?: (code: ProblemCode) => Faults<Name> | string | undefined;
};

export type Form<Name extends string> = {
  isBusy: Signal<boolean>;
  /** What went wrong, where no single field is at fault. */
  failure: Signal<string | null>;
  fault(name: Name): string | null;
  /**
   * Sends a form, one attempt at a time. `check` returns what is wrong with its fields, the first of which gets the
   * focus. So does one that the server refuses; any other error of `send` becomes the failure. The idempotency key is the
   * same again after an attempt without a response, so that what was done then counts.
   */
  submit(
    event: Event,
    check: (values: Values<Name>) => Faults<Name>,
    send: (values: Values<Name>, idempotencyKey: string) => Promise<unknown>,
  ): Promise<void>;
};

/** The state of a form whose fields have these names. */
export function injectForm<Name extends string>({
  explain,
  invalid: invalidText,
}: FormOptions<Name>): Form<Name> {
  const injector = inject(Injector);
  const problemText = injectProblemText();
  const isBusy = signal(false);
  const failure = signal<string | null>(null);
  const faults = signal<Faults<Name>>({});
  /** The last attempt if it got no response. */
  let unanswered: { sent: string; key: string } | null = null;

  /** @returns whether there are any. */
  function show(found: Faults<Name>, form: HTMLFormElement): boolean {
    faults.set(found);
    if (Object.values(found).every((fault) => fault === null)) return false;
    const focusFirst = () => {
      const first = form.querySelector<HTMLElement>('[aria-invalid="true"]');
      first?.focus();
      if (first instanceof HTMLInputElement) first.select();
    };
    afterNextRender(focusFirst, { injector });
    return true;
  }

  function faultsIn(error: unknown, values: Values<Name>): Faults<Name> | string {
    if (!(error instanceof RefusedCall)) return problemText(error);
    const code = problemCode(error.problem);
    const explained = code === null ? undefined : explain?.(code);
    if (explained !== undefined) return explained;
    const invalid = (error.problem?.errors ?? []).filter(({ path }) => path in values);
    if (invalid.length === 0) return problemText(error);
    return Object.fromEntries(
      invalid.map(({ path, message }) => [path, invalidText(path as Name, message)]),
    ) as Faults<Name>;
  }

  return {
    isBusy: isBusy.asReadonly(),
    failure: failure.asReadonly(),
    fault: (name) => faults()[name] ?? null,
    async submit(event, check, send) {
      event.preventDefault();
      if (isBusy()) return;
      const form = event.currentTarget as HTMLFormElement;
      const values = Object.fromEntries(new FormData(form)) as Values<Name>;
      failure.set(null);
      if (show(check(values), form)) return;
      isBusy.set(true);
      const sent = JSON.stringify(values);
      const key = unanswered?.sent === sent ? unanswered.key : newKey();
      unanswered = null;
      try {
        await send(values, key);
      } catch (error) {
        if (!(error instanceof RefusedCall)) unanswered = { sent, key };
        const found = faultsIn(error, values);
        if (typeof found === 'string') failure.set(found);
        else show(found, form);
      } finally {
        isBusy.set(false);
      }
    },
  };
}
