import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';

/** Asks once before the guest leaves the line. */
export function LeaveDialog(props: { moves: StageProps['moves']; onClose(): void }) {
  const { moves, onClose } = props;
  const text = useText(texts);
  const isBusy = moves.state.pending !== null;
  return (
    <Dialog title={text('leaveTitle')} onClose={onClose}>
      <p>{text('leaveCost')}</p>
      <div className="dialog-actions">
        <Button
          look="main"
          aria-disabled={isBusy}
          onClick={() => void moves.make('leaveQueue').then(onClose)}
        >
          {text(isBusy ? 'sending' : 'leaveNow')}
        </Button>
        <Button onClick={onClose}>{text('stay')}</Button>
      </div>
    </Dialog>
  );
}
