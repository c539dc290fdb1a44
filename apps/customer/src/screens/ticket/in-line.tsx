import { timeRange, waitWords } from '@queue-manager/ui/words';
import { useEffect, useState } from 'react';
import { useLanguage } from '../../page/language.tsx';
import { useNow } from '../../page/use-now.ts';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { texts as sharedTexts } from '../../parts/strings.ts';
import { limits } from './limits.ts';
import './in-line.css';
import { LeaveDialog } from './leave-dialog.tsx';
import { SnoozeDialog } from './snooze-dialog.tsx';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';
import { estimateNow, placeOf, snoozePlacesMax } from './ticket-state.ts';
import { Tools } from './tools.tsx';

/** The page of a party that waits: its place, and when it will be called. */
export function InLine(
  props: StageProps & {
    isReturning: boolean;
    isSilent: boolean;
    onSilent(isSilent: boolean): void;
  },
) {
  const { value, heading, moves, isReturning, isSilent, onSilent } = props;
  const { party, position } = value;
  const text = useText(texts);
  const shared = useText(sharedTexts);
  const [dialog, setDialog] = useState<'leave' | 'snooze' | null>(null);
  const place = placeOf(value);
  const ahead = position?.ahead ?? null;
  const placesMax = snoozePlacesMax(value, limits.snoozePlacesMax);
  const whereWords =
    place === null || ahead === null
      ? text('placeUnknown')
      : ahead === 0
        ? text('next')
        : text('ahead', { n: ahead });

  return (
    <>
      <Notice icon="check">{isReturning && text('back')}</Notice>
      <section className="place">
        <p className="muted">{text('place')}</p>
        <p className="place-number" key={place}>
          {place ?? '…'}
        </p>
        <h1 ref={heading} tabIndex={-1}>
          <span key={whereWords}>{whereWords}</span>
        </h1>
      </section>
      <Wait value={value} where={whereWords} />
      <dl className="facts">
        <div>
          <dt>{text('number')}</dt>
          <dd className="facts-number">{party.number}</dd>
        </div>
        <div>
          <dt>{party.queueName}</dt>
          <dd>
            {party.name !== null && (
              <>
                <bdi>{party.name}</bdi> ·{' '}
              </>
            )}
            <span>{shared('people', { n: party.size })}</span>
          </dd>
        </div>
      </dl>
      {party.text !== null && (
        <p className="host-text" dir="auto">
          {party.text}
        </p>
      )}
      <Tools party={party} isSilent={isSilent} onSilent={onSilent} />
      <div className="stack-close">
        {placesMax !== null && (
          <Button onClick={() => setDialog('snooze')}>{text('snooze')}</Button>
        )}
        {party.snoozesLeft === 0 && <p className="muted small centred">{text('noSnoozes')}</p>}
        <Button look="quiet" onClick={() => setDialog('leave')}>
          {text('leave')}
        </Button>
      </div>
      {dialog === 'leave' && <LeaveDialog moves={moves} onClose={() => setDialog(null)} />}
      {dialog === 'snooze' && placesMax !== null && place !== null && (
        <SnoozeDialog
          moves={moves}
          place={place}
          placesMax={placesMax}
          snoozesLeft={party.snoozesLeft}
          onClose={() => setDialog(null)}
        />
      )}
    </>
  );
}

/** How often the words follow the clock while nothing else happens. */
const wordsMs = 15_000;

function Wait({ value, where }: Pick<StageProps, 'value'> & { where: string }) {
  const text = useText(texts);
  const { reader } = useLanguage();
  const now = useNow(wordsMs);
  const estimate = estimateNow(value, now);
  const words = estimate && waitWords(reader, estimate);
  const times = estimate && timeRange(reader, value.party.timezone, now, estimate);
  return (
    <section className="card wait">
      <Changing className="wait-words">{words?.about ?? text('noEstimate')}</Changing>
      <Changing className="muted">{words?.between ?? ''}</Changing>
      <Changing className="wait-times">{times === null ? '' : text('atAbout', { times })}</Changing>
      <Spoken>{words === null ? where : `${where}. ${words.about}`}</Spoken>
    </section>
  );
}

/** Centred words that change: new ones take the place of the old, which to a browser is no shift of the layout. */
function Changing({ className, children }: { className: string; children: string }) {
  return (
    <p className={className}>
      <span key={children}>{children}</span>
    </p>
  );
}

/** A place is told once it has settled: a long line may move several times a second. */
const settleMs = 1_500;

/** Tells a change to screen readers, once they have finished with other things. */
function Spoken({ children }: { children: string }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSaid(children), settleMs);
    return () => clearTimeout(timer);
  }, [children]);
  return (
    <p className="hidden" role="status">
      {said}
    </p>
  );
}
