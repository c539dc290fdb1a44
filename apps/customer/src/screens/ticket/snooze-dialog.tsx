import { useState } from 'react';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Stepper } from '../../parts/stepper.tsx';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';

/** How many groups go first, and what that costs: a later place, or the call of a party that has no place. */
export function SnoozeDialog(props: {
  moves: StageProps['moves'];
  place: number | null;
  placesMax: number;
  snoozesLeft: number;
  onClose(): void;
}) {
  const { moves, place, placesMax, snoozesLeft, onClose } = props;
  const text = useText(texts);
  const [wanted, setWanted] = useState(1);
  // Fewer may be behind by now.
  const places = Math.min(wanted, placesMax);
  const isBusy = moves.state.pending !== null;
  const [isLost, setLost] = useState(false);

  async function send(): Promise<void> {
    setLost(false);
    const result = await moves.make('snooze', { places, giveUpCall: place === null });
    if (result === 'unreachable') setLost(true);
    else if (result !== 'busy') onClose();
  }

  return (
    <Dialog title={text('snooze')} onClose={onClose}>
      <p>{text('snoozeHint')}</p>
      <Stepper
        label={text('snoozePlaces')}
        value={places}
        min={1}
        max={placesMax}
        onChange={setWanted}
      />
      <p>
        {place === null
          ? text('giveUpCost', { n: places })
          : text('snoozeCost', { place: place + places, now: place })}{' '}
        <span className="muted">{text('snoozesLeft', { n: snoozesLeft })}</span>
      </p>
      <Notice icon="offline">{isLost && text('notSent')}</Notice>
      <div className="dialog-actions">
        <Button look="main" aria-disabled={isBusy} onClick={() => void send()}>
          {text(isBusy ? 'sending' : 'snoozeNow')}
        </Button>
        <Button onClick={onClose}>{text('keepPlace')}</Button>
      </div>
    </Dialog>
  );
}
