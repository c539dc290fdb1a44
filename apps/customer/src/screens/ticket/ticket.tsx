import type { PartyState } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import { ageWords } from '@queue-manager/ui/words';
import { useEffect, useState } from 'react';
import { useLanguage } from '../../page/language.tsx';
import { useHeldVersion } from '../../page/updates.ts';
import { useHeading } from '../../page/use-heading.ts';
import { useNow } from '../../page/use-now.ts';
import { useText } from '../../page/use-text.ts';
import { useVenue } from '../../page/use-venue.ts';
import { Notice } from '../../parts/notice.tsx';
import { Shell, Waiting } from '../../parts/shell.tsx';
import { allowSoundOnTouch } from '../../parts/sound.ts';
import { Unknown } from '../../parts/unknown.tsx';
import { Called } from './called.tsx';
import { Ended } from './ended.tsx';
import { InLine } from './in-line.tsx';
import { limits } from './limits.ts';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';
import { isBack, placeOf, snoozePlacesMax, type TicketValue } from './ticket-state.ts';
import { useCallAlarm } from './use-call-alarm.ts';
import { useMoves } from './use-moves.ts';
import { useTicket } from './use-ticket.ts';

export default function Ticket({ ticket }: { ticket: string }) {
  const text = useText(texts);
  const { snapshot, live } = useTicket(ticket);
  const [isSilent, setSilent] = useState(false);
  const { value } = snapshot;
  const party = value?.party ?? null;
  const moves = useMoves(ticket, live, party);
  const state = party?.state ?? null;
  const isGone = snapshot.state === 'gone';
  // The button to let others go first goes with the last group behind the party.
  const canSnooze = value !== null && snoozePlacesMax(value, limits.snoozePlacesMax) !== null;
  const heading = useHeading(isGone ? 'gone' : `${state} ${canSnooze}`);
  const isReturning = useReturn(state);

  const place = value && placeOf(value);
  const venue = party && `${party.queueName} · ${party.venueName}`;
  useVenue(party, place === null ? venue : `${place} · ${venue}`);
  useEffect(allowSoundOnTouch, []);
  // Loaded anew, a page needs another touch before it can chime.
  useHeldVersion(state !== null && isInLine(state));
  useCallAlarm({
    isCalled: state === 'called' && !isGone,
    calledAt: party?.calledAt ?? null,
    isAnswered: party?.confirmedAt != null,
    isSilent,
    title: text('yourTurn'),
  });

  if (isGone) return <UnknownTicket heading={heading} />;
  if (value === null || party === null) {
    return (
      <Shell>
        <Waiting isUnreachable={snapshot.state === 'stale'} />
      </Shell>
    );
  }
  const { failed, failedIn } = moves.state;
  const notices = (
    <>
      {isInLine(party.state) && <Age value={value} state={snapshot.state} asOf={snapshot.asOf} />}
      <Notice icon="offline">
        {failed === 'refused'
          ? text('refused')
          : failed !== null && failedIn === party.state && text('notSent')}
      </Notice>
    </>
  );
  const stage = { value, heading, moves };
  if (party.state === 'called') return <Called {...stage}>{notices}</Called>;
  return (
    <Shell venueName={party.venueName}>
      {notices}
      {party.state === 'waiting' ? (
        <InLine {...stage} isReturning={isReturning} isSilent={isSilent} onSilent={setSilent} />
      ) : (
        <Ended key={party.state} {...stage} />
      )}
    </Shell>
  );
}

/** Whether a party is back in the line, after it was called or had left. */
function useReturn(state: PartyState | null): boolean {
  const [last, setLast] = useState(state);
  const [isReturning, setReturning] = useState(false);
  if (state !== last) {
    setLast(state);
    setReturning(state !== null && isBack(last, state));
  }
  return isReturning;
}

/** The server may be out of reach without an error; its last word is this old then. */
const oldMs = 100_000;

/** How old the place is, if it is not the present one. */
function Age(props: {
  value: TicketValue;
  state: 'loading' | 'live' | 'stale' | 'gone';
  asOf: number | null;
}) {
  const { value, state, asOf } = props;
  const text = useText(texts);
  const { reader } = useLanguage();
  const now = useNow(5_000);
  const sinceSeen = asOf === null ? 0 : Date.now() - asOf;
  const { position } = value;
  const isPlaceOld =
    value.party.state === 'waiting' && position !== null && now - Date.parse(position.asOf) > oldMs;
  const age = isPlaceOld ? now - Date.parse(position.asOf) : sinceSeen;
  const isOld = state === 'stale' || isPlaceOld || sinceSeen > oldMs;
  return <Notice icon="offline">{isOld && text('asOf', { age: ageWords(reader, age) })}</Notice>;
}

function UnknownTicket({ heading }: Pick<StageProps, 'heading'>) {
  const text = useText(texts);
  useVenue(null, text('unknown'));
  return (
    <Unknown
      heading={heading}
      title={text('unknown')}
      hint={text('unknownHint')}
      home={text('home')}
    />
  );
}
