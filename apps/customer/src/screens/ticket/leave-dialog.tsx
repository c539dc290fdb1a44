import { useState } from 'react';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/notice.tsx';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';

/** Asks once before the guest leaves the line. */
export function LeaveDialog(props: { moves: StageProps['moves']; onClose(): void }) {
  const { moves, onClose } = props;
  const text = useText(texts);
  const isBusy = moves.state.pending !== null;
  const [isLost, setLost] = useState(false);

  async function send(): Promise<void> {
    setLost(false);
    const result = await moves.make('leaveQueue');
    if (result === 'unreachable') setLost(true);
    else if (result !== 'busy') onClose();
  }

  return (
    <Dialog title={text('leaveTitle')} onClose={onClose}>
      <p>{text('leaveCost')}</p>
      <Notice icon="offline">{isLost && text('notSent')}</Notice>
      <div className="dialog-actions">
        <Button look="main" aria-disabled={isBusy} onClick={() => void send()}>
          {text(isBusy ? 'sending' : 'leaveNow')}
        </Button>
        <Button onClick={onClose}>{text('stay')}</Button>
      </div>
    </Dialog>
  );
}
