import { waitWords } from '@queue-manager/ui/words';
import { type RefObject, useEffect } from 'react';
import { useLanguage } from '../../page/language.tsx';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { QrCode } from '../../parts/qr-code.tsx';
import type { Joined } from '../join/join-form.tsx';
import type { JoinPage } from '../join/join-page.ts';
import { PaperTicket } from './paper-ticket.tsx';
import type { PrintSettings } from './print-settings.ts';
import { texts } from './strings.ts';
import { usePlace } from './use-place.ts';

/** What a guest takes along: the number, the place, and the ticket for the phone or on paper. */
export function JoinedParty(props: {
  heading: RefObject<HTMLHeadingElement | null>;
  joined: Joined;
  page: JoinPage;
  printing: PrintSettings;
  onDone(): void;
}) {
  const { heading, joined, page, printing, onDone } = props;
  const text = useText(texts);
  const { reader } = useLanguage();
  const { position, estimate } = usePlace(joined);
  const wait = estimate && waitWords(reader, estimate);
  const prints = printing.paper !== 'none';
  const printsNow = prints && printing.isAutomatic;
  useEffect(() => {
    if (!printsNow) return;
    const timer = setTimeout(() => window.print());
    return () => clearTimeout(timer);
  }, [printsNow]);

  return (
    <>
      <main className="kiosk-joined">
        <div className="stack">
          <h1 ref={heading} tabIndex={-1}>
            {text('joined')}
          </h1>
          <div>
            <p className="muted">{text('number')}</p>
            <p className="kiosk-number">{joined.number}</p>
          </div>
          <div role="status">
            {position !== null && (
              <p className="kiosk-place">{text('place', { place: position })}</p>
            )}
            {wait && <p>{wait.about}</p>}
            {wait?.between && <p className="muted">{wait.between}</p>}
          </div>
        </div>
        <div className="card kiosk-ticket">
          <QrCode text={joined.ticketUrl} label={text('ticketQrCode')} />
          <p>{text('scan')}</p>
        </div>
        <div className="kiosk-actions">
          {prints && (
            <Button icon="printer" onClick={() => window.print()}>
              {text(printsNow ? 'printAgain' : 'print')}
            </Button>
          )}
          <Button look="main" icon="check" onClick={onDone}>
            {text('done')}
          </Button>
        </div>
      </main>
      {printing.paper !== 'none' && (
        <PaperTicket paper={printing.paper} joined={joined} page={page} place={position} />
      )}
    </>
  );
}
