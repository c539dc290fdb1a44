import { waitWords } from '@queue-manager/ui/words';
import { useLanguage } from '../../page/language.tsx';
import { useText } from '../../page/use-text.ts';
import type { JoinPageForSize } from './join-page.ts';
import { texts } from './strings.ts';
import './wait-card.css';

/** How many wait, and how long a party of the wanted size will. */
export function WaitCard({ known, size }: { known: JoinPageForSize; size: number }) {
  const text = useText(texts);
  const { reader } = useLanguage();
  const { waiting, estimate } = known.page;
  const words = estimate && waitWords(reader, estimate);
  return (
    <section className="card wait-card" aria-live="polite" aria-busy={known.size !== size}>
      <p className="muted small">
        {text('forPeople', { n: size })} ·{' '}
        {waiting === 0 ? text('nobodyWaits') : text('waiting', { n: waiting })}
      </p>
      <p className="wait-about">{words?.about ?? text(waiting === 0 ? 'comeIn' : 'noEstimate')}</p>
      {words?.between && <p className="muted">{words.between}</p>}
    </section>
  );
}
