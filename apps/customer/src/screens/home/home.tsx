import { backofficePath, pageUrl } from '@queue-manager/contracts/pages';
import { applyAccent } from '@queue-manager/ui/color';
import { useLayoutEffect, useState } from 'react';
import { goTo } from '../../page/location.ts';
import { useHeading } from '../../page/use-heading.ts';
import { useHeldInLine } from '../../page/use-held-in-line.ts';
import { useText } from '../../page/use-text.ts';
import { useVenue } from '../../page/use-venue.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { HeldTickets } from '../../parts/held-ticket-list.tsx';
import { Shell } from '../../parts/shell.tsx';
import { codeIn } from './code-in.ts';
import './home.css';
import { texts } from './strings.ts';

/** What this is, and the ways on; also the page at addresses that have none. */
export default function Home({ isUnknownAddress = false }: { isUnknownAddress?: boolean }) {
  const text = useText(texts);
  useVenue(null, 'Queue Manager');
  // The page before may have been in the color of a venue.
  useLayoutEffect(() => applyAccent(document.documentElement, null), []);
  const tickets = useHeldInLine();
  const [code, setCode] = useState('');
  const [isRefused, setRefused] = useState(false);
  const heading = useHeading('home');

  function open(form: HTMLFormElement) {
    const found = codeIn(code);
    if (found !== null) return goTo(pageUrl('', 'join', found));
    setRefused(true);
    form.querySelector('input')?.focus();
  }

  return (
    <Shell>
      <div className="stack-close appear">
        <h1 ref={heading} tabIndex={-1}>
          {text(isUnknownAddress ? 'unknownAddress' : 'title')}
        </h1>
        <p className="lead">{text(isUnknownAddress ? 'unknownAddressHint' : 'lead')}</p>
      </div>
      {tickets.length > 0 && (
        <HeldTickets title={text('yourTickets', { n: tickets.length })} tickets={tickets} />
      )}
      <form
        className="card stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          open(event.currentTarget);
        }}
      >
        <Field
          label={text('code')}
          hint={text('codeHint')}
          error={isRefused ? text('noCode') : undefined}
          value={code}
          onChange={(typed) => {
            setCode(typed);
            setRefused(false);
          }}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
        />
        <Button type="submit" look="main">
          {text('open')}
        </Button>
      </form>
      <p className="home-staff">
        <span className="muted">{text('staff')} </span>
        <a href={`${backofficePath}/`}>{text('backoffice')}</a>
      </p>
    </Shell>
  );
}
