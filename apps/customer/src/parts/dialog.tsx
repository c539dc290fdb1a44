import { type ReactNode, useEffect, useId, useRef } from 'react';
import { useText } from '../page/use-text.ts';
import { Button } from './button.tsx';
import './dialog.css';
import { texts } from './strings.ts';

/** A modal dialog while it is rendered. The browser keeps the focus inside, and returns it at the end. */
export function Dialog(props: { title: string; onClose(): void; children: ReactNode }) {
  const { title, onClose, children } = props;
  const text = useText(texts);
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={onClose}>
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button look="quiet" icon="close" aria-label={text('close')} onClick={onClose} />
      </div>
      {children}
    </dialog>
  );
}
