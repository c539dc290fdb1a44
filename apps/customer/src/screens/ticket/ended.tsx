import { pageAt } from '@queue-manager/contracts/pages';
import type { PartyState } from '@queue-manager/contracts/parties';
import { timeOfDay } from '@queue-manager/ui/words';
import { useEffect, useState } from 'react';
import { read } from '../../page/api.ts';
import { useLanguage } from '../../page/language.tsx';
import { useText } from '../../page/use-text.ts';
import { LinkButton } from '../../parts/button.tsx';
import { Icon } from '../../parts/icon.tsx';
import './ended.css';
import type { StageProps } from './stage.ts';
import { texts } from './strings.ts';

type EndState = Exclude<PartyState, 'waiting' | 'called'>;

/** What became of the queue since: null while it is not known. */
type QueueNow = { isDeleted: boolean; joinPath: string | null };

/** The page of a party whose wait has ended. */
export function Ended({ value, heading }: StageProps) {
  const { party } = value;
  const text = useText(texts);
  const { reader } = useLanguage();
  const queue = useQueueNow(party.queueId);
  const state = party.state as EndState;
  const isWelcome = state === 'seated' || state === 'departed';
  const end = state === 'removed' && queue?.isDeleted ? 'queueDeleted' : state;
  const called = party.calledAt === null ? null : timeOfDay(reader, party.timezone, party.calledAt);
  return (
    <>
      <div className="end-mark" data-welcome={isWelcome}>
        <Icon name={isWelcome ? 'check' : end === 'no_show' ? 'clock' : 'door'} />
      </div>
      <div className="stack-close end">
        <h1 ref={heading} tabIndex={-1}>
          {text(end)}
        </h1>
        {end === 'no_show' && called !== null && (
          <p className="lead">{text('no_showSince', { number: party.number, time: called })}</p>
        )}
        <p className="lead">{text(`${end}Hint`, { number: party.number })}</p>
      </div>
      {party.endMessage !== null && <p className="card host-text">{party.endMessage}</p>}
      {!isWelcome && queue?.joinPath && (
        <LinkButton look="main" href={queue.joinPath}>
          {text('joinAgain')}
        </LinkButton>
      )}
      <p className="muted small centred">
        {party.queueName} · {text('number')} {party.number}
      </p>
    </>
  );
}

function useQueueNow(queueId: string): QueueNow | null {
  const [queue, setQueue] = useState<QueueNow | null>(null);
  useEffect(() => {
    read('getBoardPage', { params: { queueId } })
      .then((page) => {
        const joinUrl = page?.joinUrl ?? null;
        const joinPath = joinUrl === null ? null : new URL(joinUrl).pathname;
        setQueue({
          isDeleted: page === null,
          joinPath: joinPath !== null && pageAt(joinPath)?.page === 'join' ? joinPath : null,
        });
      })
      .catch(() => {});
  }, [queueId]);
  return queue;
}
