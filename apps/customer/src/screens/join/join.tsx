import { pageUrl } from '@queue-manager/contracts/pages';
import { kept } from '@queue-manager/ui/kept';
import { useEffect, useState } from 'react';
import { heldTickets } from '../../page/held-tickets.ts';
import { goTo } from '../../page/location.ts';
import { useHeading } from '../../page/use-heading.ts';
import { useHeldInLine } from '../../page/use-held-in-line.ts';
import { useText } from '../../page/use-text.ts';
import { useVenue } from '../../page/use-venue.ts';
import { Button } from '../../parts/button.tsx';
import { HeldTickets } from '../../parts/held-ticket-list.tsx';
import { Mark } from '../../parts/mark.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Shell, Waiting } from '../../parts/shell.tsx';
import { allowSoundOnTouch } from '../../parts/sound.ts';
import { texts as sharedTexts } from '../../parts/strings.ts';
import { Unknown } from '../../parts/unknown.tsx';
import { emptyDraft, JoinForm } from './join-form.tsx';
import { blockOf, type JoinPageForSize } from './join-page.ts';
import { texts } from './strings.ts';
import { useJoinPage } from './use-join-page.ts';
import { WaitCard } from './wait-card.tsx';

export default function Join({ joinCode }: { joinCode: string }) {
  const [size, setSize] = useState(2);
  const { snapshot, live } = useJoinPage(joinCode, size);
  const page = snapshot.value?.page ?? null;
  useVenue(page, page && `${page.name} · ${page.venueName}`);
  // The page of the ticket chimes: this touch allows it.
  useEffect(allowSoundOnTouch, []);
  useEffect(() => {
    if (page !== null && size > page.maxPartySize) setSize(page.maxPartySize);
  }, [page, size]);

  if (snapshot.state === 'gone') return <UnknownCode />;
  if (snapshot.value === null) {
    return (
      <Shell>
        <Waiting isUnreachable={snapshot.state === 'stale'} />
      </Shell>
    );
  }
  return (
    <KnownLine
      joinCode={joinCode}
      known={snapshot.value}
      isUnreachable={snapshot.state === 'stale'}
      size={size}
      onSize={setSize}
      onRefused={() => live?.check()}
    />
  );
}

function KnownLine(props: {
  joinCode: string;
  known: JoinPageForSize;
  isUnreachable: boolean;
  size: number;
  onSize(size: number): void;
  onRefused(): void;
}) {
  const { joinCode, known, isUnreachable, size, onSize, onRefused } = props;
  const { page } = known;
  const text = useText(texts);
  const shared = useText(sharedTexts);
  const [draft, setDraft] = useState(emptyDraft);
  const [isAgain, setAgain] = useState(false);
  const held = useHeldInLine(page.queueId);
  const block = blockOf(page);
  const [wasBlocked, setWasBlocked] = useState(false);
  if (block !== null && !wasBlocked) setWasBlocked(true);
  const heading = useHeading(block ?? 'open');
  const isFormHidden = held.length > 0 && !isAgain;

  return (
    <Shell venueName={page.venueName}>
      {block !== null && <Mark icon={block === 'selfJoinOff' ? 'people' : 'clock'} />}
      <div className={block === null ? 'stack-close' : 'stack-close centred'}>
        <h1 ref={heading} tabIndex={-1}>
          {block === null ? <bdi>{page.name}</bdi> : text(block)}
        </h1>
        {block !== null && (
          <>
            <p className="lead">
              {text(`${block}Hint`)} {block !== 'selfJoinOff' && text('keepOpen')}
            </p>
            <p className="muted small">
              <bdi>{page.name}</bdi>
            </p>
          </>
        )}
        {page.text !== null && block === null && (
          <p className="host-text" dir="auto">
            {page.text}
          </p>
        )}
      </div>
      {page.text !== null && block !== null && (
        <p className="card host-text" dir="auto">
          {page.text}
        </p>
      )}
      <Notice icon="check">{wasBlocked && block === null && text('openAgain')}</Notice>
      <Notice icon="offline">{isUnreachable && shared('unreachable')}</Notice>
      {held.length > 0 && <HeldTickets title={text('inLine')} tickets={held} />}
      {block === null && <WaitCard known={known} size={size} />}
      {block === null &&
        (isFormHidden ? (
          <Button onClick={() => setAgain(true)}>{text('joinAgain')}</Button>
        ) : (
          <JoinForm
            joinCode={joinCode}
            page={page}
            size={size}
            onSize={onSize}
            draft={draft}
            onDraft={setDraft}
            onRefused={onRefused}
            onJoined={({ ticket, number }) => {
              const { queueId, venueName, name } = page;
              heldTickets(kept).add({
                ticket,
                queueId,
                joinCode,
                number,
                venueName,
                queueName: name,
              });
              goTo(pageUrl('', 'ticket', ticket));
            }}
          />
        ))}
    </Shell>
  );
}

function UnknownCode() {
  const text = useText(texts);
  return (
    <Unknown
      heading={useHeading('unknown')}
      title={text('unknown')}
      hint={text('unknownHint')}
      home={text('home')}
    />
  );
}
