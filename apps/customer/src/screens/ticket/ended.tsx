import type { PartyState } from '@queue-manager/contracts/parties';
import { timeOfDay } from '@queue-manager/ui/words';
import { useEffect, useState } from 'react';
import { read } from '../../page/api.ts';
import { useLanguage } from '../../page/language.tsx';
import { useText } from '../../page/use-text.ts';
import { LinkButton } from '../../parts/button.tsx';
import { Mark } from '../../parts/mark.tsx';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';
import type { TicketValue } from './ticket-state.ts';

type EndState = Exclude<PartyState, 'waiting' | 'called'>;

/** The page of a party whose wait has ended. */
export function Ended({ value, heading }: StageProps) {
  const { party } = value;
  const text = useText(texts);
  const { reader } = useLanguage();
  const joinPath = useJoinPath(value);
  const state = party.state as EndState;
  const isWelcome = state === 'seated' || state === 'departed';
  const end = state === 'removed' && value.isLineDeleted ? 'queueDeleted' : state;
  const called = party.calledAt === null ? null : timeOfDay(reader, party.timezone, party.calledAt);
  return (
    <>
      <Mark
        icon={isWelcome ? 'check' : end === 'no_show' ? 'clock' : 'door'}
        isAccented={isWelcome}
      />
      <div className="stack-close centred">
        <h1 ref={heading} tabIndex={-1}>
          {text(end)}
        </h1>
        {end === 'no_show' && called !== null && (
          <p className="lead">{text('no_showSince', { number: party.number, time: called })}</p>
        )}
        <p className="lead">{text(`${end}Hint`, { number: party.number })}</p>
      </div>
      {party.endMessage !== null && (
        <p className="card host-text" dir="auto">
          {party.endMessage}
        </p>
      )}
      {!isWelcome && joinPath !== null && (
        <LinkButton look="main" href={joinPath}>
          {text('joinAgain')}
        </LinkButton>
      )}
      <p className="muted small centred">
        <bdi>{party.queueName}</bdi> · {text('number')} {party.number}
      </p>
    </>
  );
}

/** Where a guest can join again; null if only staff can add it, and while that is not known. */
function useJoinPath({ party: { queueId }, isLineDeleted }: TicketValue): string | null {
  const [path, setPath] = useState<string | null>(null);
  useEffect(() => {
    if (isLineDeleted) return;
    read('getBoardPage', { params: { queueId } })
      .then((page) => setPath(page?.joinUrl == null ? null : new URL(page.joinUrl).pathname))
      .catch(() => {});
  }, [queueId, isLineDeleted]);
  return isLineDeleted ? null : path;
}
