import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
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
  // Closed while it is still in the document, so that the browser returns the focus.
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  const closed = () => {
    if (!dialog.current?.open) onClose();
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={closed}>
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button look="quiet" icon="close" aria-label={text('close')} onClick={onClose} />
      </div>
      {children}
    </dialog>
  );
}
