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
  const line = useLineNow(value);
  const joinPath = line?.joinPath ?? null;
  const state = party.state as EndState;
  const isWelcome = state === 'seated' || state === 'departed';
  const end = state === 'removed' && line?.isDeleted ? 'queueDeleted' : state;
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

/** What became of the line since: null while it is not known. */
type LineNow = { isDeleted: boolean; joinPath: string | null };

function useLineNow({ party: { queueId }, isLineDeleted }: TicketValue): LineNow | null {
  const [line, setLine] = useState<LineNow | null>(null);
  useEffect(() => {
    // A ticket keeps its last state, but the board goes with the line.
    read('getBoardPage', { params: { queueId } })
      .then((page) => {
        const joinUrl = page?.joinUrl ?? null;
        const joinPath = joinUrl === null ? null : new URL(joinUrl).pathname;
        setLine({ isDeleted: page === null, joinPath });
      })
      .catch(() => {});
  }, [queueId]);
  return isLineDeleted ? { isDeleted: true, joinPath: null } : line;
}
