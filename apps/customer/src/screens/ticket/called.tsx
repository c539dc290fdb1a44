import { countdown, timeOfDay } from '@queue-manager/ui/words';
import { type ReactNode, useState } from 'react';
import { useLanguage } from '../../page/language.tsx';
import { useNow } from '../../page/use-now.ts';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Icon } from '../../parts/icon.tsx';
import { LanguageSwitch } from '../../parts/shell.tsx';
import './called.css';
import { LeaveDialog } from './leave-dialog.tsx';
import { limits } from './limits.ts';
import { SnoozeDialog } from './snooze-dialog.tsx';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';
import { callLeft, snoozePlacesMax } from './ticket-state.ts';

/** The page of a party that is called: nothing like the one before, so that nobody overlooks it. */
export function Called({ value, heading, moves, children }: StageProps & { children: ReactNode }) {
  const { party } = value;
  const text = useText(texts);
  const { reader } = useLanguage();
  const [dialog, setDialog] = useState<'leave' | 'snooze' | null>(null);
  const placesMax = snoozePlacesMax(value, limits.snoozePlacesMax);
  const isConfirmed = party.confirmedAt !== null;
  const isConfirming = moves.state.pending === 'confirmComing';
  return (
    <div className="called">
      <header className="shell-head">{party.venueName}</header>
      <main className="called-main">
        {children}
        <div className="called-bell" data-ringing={!isConfirmed}>
          <Icon name={isConfirmed ? 'check' : 'bell'} />
        </div>
        <h1 ref={heading} tabIndex={-1}>
          {text('yourTurn')}
        </h1>
        <p className="called-number">
          <span>{text('number')}</span> <strong>{party.number}</strong>
        </p>
        <p className="called-lead" role="alert">
          {text(isConfirmed ? 'expected' : 'come')}
        </p>
        <TimeLeft party={party} />
        {party.callExpiresAt !== null && (
          <p>{text('until', { time: timeOfDay(reader, party.timezone, party.callExpiresAt) })}</p>
        )}
        <div className="called-actions">
          {!isConfirmed && (
            <Button
              look="main"
              icon="check"
              aria-disabled={isConfirming}
              onClick={() => {
                void moves.make('confirmComing').then((result) => {
                  if (result === 'made') heading.current?.focus();
                });
              }}
            >
              {text(isConfirming ? 'sending' : 'coming')}
            </Button>
          )}
          {placesMax !== null && (
            <Button onClick={() => setDialog('snooze')}>{text('snooze')}</Button>
          )}
          <Button look="quiet" onClick={() => setDialog('leave')}>
            {text('leave')}
          </Button>
        </div>
        {!isConfirmed && placesMax === null && <p className="small centred">{text('notReady')}</p>}
        {party.text !== null && (
          <p className="host-text" dir="auto">
            {party.text}
          </p>
        )}
      </main>
      <footer className="shell-foot">
        <LanguageSwitch />
      </footer>
      {dialog === 'leave' && <LeaveDialog moves={moves} onClose={() => setDialog(null)} />}
      {dialog === 'snooze' && placesMax !== null && (
        <SnoozeDialog
          moves={moves}
          place={null}
          placesMax={placesMax}
          snoozesLeft={party.snoozesLeft}
          onClose={() => setDialog(null)}
        />
      )}
    </div>
  );
}

/** Moments at which a screen reader is told how much time is left. */
const toldSeconds = [120, 60, 30, 10];

function TimeLeft({ party }: { party: StageProps['value']['party'] }) {
  const text = useText(texts);
  const now = useNow(250);
  const left = callLeft(party, now);
  const seconds = Math.ceil((left?.leftMs ?? 0) / 1_000);
  const told = toldSeconds.findLast((moment) => seconds <= moment && seconds > moment - 5);
  if (left?.leftMs === 0) return <p className="called-over">{text('timeOver')}</p>;
  return (
    <>
      <p className="called-clock" role="timer">
        {left === null ? '–:––' : countdown(left.leftMs)}
      </p>
      <progress className="called-bar" max={1} value={left?.share ?? 1} aria-hidden="true" />
      <p className="hidden" role="status">
        {told !== undefined && text('secondsLeft', { n: told })}
      </p>
    </>
  );
}
