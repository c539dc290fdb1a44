import { timeOfDay, waitWords } from '@queue-manager/ui/words';
import { useState } from 'react';
import { serverClock } from '../../page/api.ts';
import { useLanguage } from '../../page/language.tsx';
import { useText } from '../../page/use-text.ts';
import { QrCode } from '../../parts/qr-code.tsx';
import type { Joined } from '../join/join-form.tsx';
import type { JoinPage } from '../join/join-page.ts';
import './paper-ticket.css';
import type { Paper } from './print-settings.ts';
import { texts } from './strings.ts';

/** The ticket on paper; seen by printers only. */
export function PaperTicket(props: {
  paper: Exclude<Paper, 'none'>;
  joined: Joined;
  page: JoinPage;
  place: number | null;
}) {
  const { paper, joined, page, place } = props;
  const text = useText(texts);
  const { reader } = useLanguage();
  const [joinedAt] = useState(() => serverClock.now());
  const wait = joined.estimate && waitWords(reader, joined.estimate);
  const time = timeOfDay(reader, page.timezone, joinedAt);
  return (
    <section className={`paper-ticket ${paper}`}>
      <p>
        <strong>{page.venueName}</strong>
        <br />
        {page.name}
      </p>
      <p className="paper-number">{joined.number}</p>
      <p>
        {place === null ? time : `${time} · ${text('place', { place })}`}
        <br />
        {wait?.about}
      </p>
      <QrCode text={joined.ticketUrl} label={text('ticketQrCode')} />
      <p>{text('scanPaper')}</p>
    </section>
  );
}
