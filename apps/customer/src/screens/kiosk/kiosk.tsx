import { useEffect, useState } from 'react';
import { useLanguage } from '../../page/language.tsx';
import { useHeading } from '../../page/use-heading.ts';
import { useText } from '../../page/use-text.ts';
import { useVenue } from '../../page/use-venue.ts';
import { useWakeLock } from '../../page/use-wake-lock.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { LanguageSwitch, Waiting } from '../../parts/shell.tsx';
import { texts as sharedTexts } from '../../parts/strings.ts';
import { emptyDraft, type Joined, JoinForm } from '../join/join-form.tsx';
import { blockOf } from '../join/join-page.ts';
import { texts as joinTexts } from '../join/strings.ts';
import { useJoinPage } from '../join/use-join-page.ts';
import { WaitCard } from '../join/wait-card.tsx';
import { JoinedParty } from './joined-party.tsx';
import './kiosk.css';
import { PrintDialog } from './print-dialog.tsx';
import { usePrintSettings } from './print-settings.ts';
import { texts } from './strings.ts';
import { useLeft } from './use-left.ts';

let guests = 0;

/** Everything that the screen knows of a guest, replaced as a whole for the next one. */
const newGuest = () => ({
  key: ++guests,
  size: 2,
  draft: emptyDraft,
  isSending: false,
  joined: null as Joined | null,
  left: new AbortController(),
});

/** The page to join a line for a tablet at the door, which guests share. */
export default function Kiosk({ joinCode }: { joinCode: string }) {
  const text = useText(texts);
  const join = useText(joinTexts);
  const shared = useText(sharedTexts);
  const { reset: resetLanguage } = useLanguage();
  const [guest, setGuest] = useState(newGuest);
  const { key, size, draft, isSending, joined, left } = guest;
  /** What comes after the guest has left does not reach the next one. */
  const change = (changed: Partial<typeof guest>) =>
    setGuest((now) => (now.key === key ? { ...now, ...changed } : now));
  const [printing, setPrinting] = usePrintSettings();
  const [isSetting, setSetting] = useState(false);

  const { snapshot, live } = useJoinPage(joinCode, size);
  const known = snapshot.value;
  const page = known?.page ?? null;
  useVenue(page, page && `${page.name} · ${page.venueName}`);
  useWakeLock(true);

  function startAgain(): void {
    setGuest((last) => {
      last.left.abort();
      return newGuest();
    });
    setSetting(false);
    resetLanguage();
    window.scrollTo(0, 0);
  }
  const secondsLeft = useLeft(key, isSending, startAgain);
  useEffect(() => {
    if (page !== null && size > page.maxPartySize) change({ size: page.maxPartySize });
  });

  const isUnreachable = snapshot.state === 'stale';
  const block = page && blockOf(page);
  const hasBegun = isSending || draft !== emptyDraft;
  const message =
    snapshot.state === 'gone'
      ? { title: text('unknown'), hint: text('unknownHint') }
      : isUnreachable && !hasBegun
        ? { title: text('offline'), hint: text('offlineHint') }
        : block !== null && !isSending
          ? { title: join(block), hint: join(`${block}Hint`) }
          : null;
  const heading = useHeading(`${key} ${joined?.number} ${message?.title}`);

  return (
    <div className="kiosk">
      <header className="kiosk-head">
        <p>{page?.venueName ?? 'Queue Manager'}</p>
        {joined === null && (
          <Button
            look="quiet"
            icon="printer"
            aria-label={text('printing')}
            onClick={() => setSetting(true)}
          />
        )}
        <LanguageSwitch />
      </header>
      {page !== null && joined !== null ? (
        <JoinedParty
          key={key}
          heading={heading}
          joined={joined}
          page={page}
          printing={printing}
          onDone={startAgain}
        />
      ) : message !== null ? (
        <main className="kiosk-message">
          <h1 ref={heading} tabIndex={-1}>
            {message.title}
          </h1>
          <p className="lead">{message.hint}</p>
        </main>
      ) : known === null ? (
        <main>
          <Waiting isUnreachable={isUnreachable} />
        </main>
      ) : (
        <main className="kiosk-form">
          <div className="stack">
            <h1 ref={heading} tabIndex={-1}>
              {known.page.name}
            </h1>
            {known.page.text !== null && <p className="host-text">{known.page.text}</p>}
            <WaitCard known={known} size={size} />
            <Notice icon="offline">{isUnreachable && shared('unreachable')}</Notice>
          </div>
          <JoinForm
            key={key}
            joinCode={joinCode}
            page={known.page}
            size={size}
            onSize={(size) => change({ size })}
            draft={draft}
            onDraft={(draft) => change({ draft })}
            onJoined={(joined) => change({ joined })}
            onRefused={() => live?.check()}
            shared={{
              left: left.signal,
              onSending: (isSending) => change({ isSending }),
            }}
          />
        </main>
      )}
      <div className="kiosk-countdown" role="status">
        {secondsLeft !== null && (
          <>
            <p>{text('stillThere')}</p>
            <span aria-hidden="true">{secondsLeft}</span>
          </>
        )}
      </div>
      {isSetting && (
        <PrintDialog settings={printing} onChange={setPrinting} onClose={() => setSetting(false)} />
      )}
    </div>
  );
}
