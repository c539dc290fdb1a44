import type { Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { kept, keptNowhere } from '@queue-manager/ui/kept';
import { useEffect, useRef, useState } from 'react';
import { ask } from '../../page/api.ts';
import { useLanguage } from '../../page/language.tsx';
import { useHeldVersion } from '../../page/updates.ts';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { Stepper } from '../../parts/stepper.tsx';
import { createAttempts, isFresh, type JoinBody } from './attempt.ts';
import './join-form.css';
import { errorsOf, type FieldErrors, type JoinPage } from './join-page.ts';
import { texts } from './strings.ts';

export type Joined = Success<'joinQueue'>;

/** What the guest has written so far. */
export type Draft = { name: string; email: string; phone: string | null };
export const emptyDraft: Draft = { name: '', email: '', phone: null };

const answerMs = 10_000;

/** Waits, but not longer than the network is away; for ever once nobody wants an answer any more. */
function pause(ms: number, unwanted: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (unwanted?.aborted) return;
    const ends = new AbortController();
    const end = () => {
      clearTimeout(timer);
      ends.abort();
      if (!unwanted?.aborted) resolve();
    };
    const timer = setTimeout(end, ms);
    window.addEventListener('online', end, { signal: ends.signal });
  });
}

/** The form of a line: name, size, contact, and one button. */
export function JoinForm(props: {
  joinCode: string;
  page: JoinPage;
  size: number;
  onSize(size: number): void;
  draft: Draft;
  onDraft(draft: Draft): void;
  onJoined(joined: Joined): void;
  /** The line does not take the party now. */
  onRefused(): void;
  /** For a screen that guests share: it keeps nothing of a guest, and gives up when the guest has left. */
  shared?: { left: AbortSignal; onSending(isSending: boolean): void };
}) {
  const { joinCode, page, size, onSize, draft, onDraft, onJoined, onRefused, shared } = props;
  const text = useText(texts);
  const { reader } = useLanguage();
  const [state, setState] = useState<'idle' | 'sending' | 'lost'>('idle');
  const [errors, setErrors] = useState<FieldErrors>({});
  const form = useRef<HTMLFormElement>(null);
  const isSending = useRef(false);
  useHeldVersion(state !== 'idle' || draft.name !== '');

  const [attempts] = useState(() =>
    createAttempts(shared ? keptNowhere : kept, joinCode, {
      call: ({ key, body }) =>
        ask('joinQueue', {
          params: { joinCode },
          body,
          idempotencyKey: key,
          signal: AbortSignal.timeout(answerMs),
        }),
      newKey,
      now: Date.now,
      pause: (ms) => pause(ms, shared?.left),
      onLost: () => setState('lost'),
    }),
  );

  async function send(body: JoinBody): Promise<void> {
    // State comes too late for a double tap.
    if (isSending.current) return;
    isSending.current = true;
    setState('sending');
    setErrors({});
    const answer = await attempts.join(body);
    isSending.current = false;
    setState('idle');
    if (answer.ok) return onJoined(answer.body);
    if (answer.status === 403 || answer.status === 404 || answer.status === 409) onRefused();
    else setErrors(errorsOf(answer));
  }

  const isSendingNow = state === 'sending';
  // biome-ignore lint/correctness/useExhaustiveDependencies: only changes are told
  useEffect(() => shared?.onSending(isSendingNow), [isSendingNow]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for what an earlier page has left
  useEffect(() => {
    const pending = attempts.pending();
    if (pending === null) return;
    const { name, email, phone } = pending.body;
    onDraft({ name, email: email ?? '', phone });
    onSize(pending.body.size);
    if (isFresh(pending, Date.now())) void send(pending.body);
  }, []);

  useEffect(() => {
    if (Object.keys(errors).length === 0) return;
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);

  function submit(): void {
    if (draft.name.trim() === '') {
      setErrors({ name: true });
      return;
    }
    void send({
      name: draft.name,
      size,
      email: draft.email.trim() === '' ? null : draft.email,
      phone: (draft.phone ?? '').trim() === '' ? null : draft.phone,
      locale: reader.language,
    });
  }

  const change = (changed: Partial<Draft>) => {
    if (isSending.current) return;
    onDraft({ ...draft, ...changed });
    const rest = { ...errors };
    for (const name of Object.keys(changed)) delete rest[name as keyof Draft];
    delete rest.form;
    setErrors(rest);
  };
  const isBusy = state !== 'idle';

  return (
    <form
      ref={form}
      className="stack join-form"
      noValidate
      aria-busy={isBusy}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Field
        label={text('name')}
        value={draft.name}
        onChange={(name) => change({ name })}
        error={errors.name && text('nameMissing')}
        autoComplete={shared ? 'off' : 'name'}
        maxLength={80}
        readOnly={isBusy}
        required
      />
      <Stepper
        label={text('size')}
        value={size}
        min={1}
        max={page.maxPartySize}
        onChange={(changed) => {
          if (!isSending.current) onSize(changed);
        }}
        hint={size >= page.maxPartySize ? text('sizeMax', { n: page.maxPartySize }) : undefined}
      />
      {errors.size && (
        <p className="error" role="alert">
          {text('tooMany')}
        </p>
      )}
      <Field
        label={text('email')}
        value={draft.email}
        onChange={(email) => change({ email })}
        hint={text('emailHint')}
        error={errors.email && text('emailWrong')}
        type="email"
        inputMode="email"
        autoComplete={shared ? 'off' : 'email'}
        maxLength={254}
        readOnly={isBusy}
        dir="auto"
      />
      {draft.phone === null ? (
        <Button look="quiet" icon="plus" onClick={() => change({ phone: '' })}>
          {text('addPhone')}
        </Button>
      ) : (
        <Field
          label={text('phone')}
          value={draft.phone}
          onChange={(phone) => change({ phone })}
          hint={text('phoneHint')}
          error={errors.phone && text('phoneWrong')}
          type="tel"
          inputMode="tel"
          autoComplete={shared ? 'off' : 'tel'}
          maxLength={40}
          readOnly={isBusy}
          // The button that was pressed has just given way to it.
          autoFocus={draft.phone === ''}
          dir="ltr"
        />
      )}
      <div className="stack-close">
        <Button type="submit" look="main" aria-disabled={isBusy}>
          {text(isBusy ? 'joining' : 'join')}
        </Button>
        <p className="small" role="status">
          {state === 'lost' && text('lost')}
        </p>
        {errors.form && (
          <p className="error" role="alert">
            {text('refused')}
          </p>
        )}
        <p className="muted small">{text('kept', { n: page.retentionDays })}</p>
      </div>
    </form>
  );
}
