import type { Board as BoardData } from '@queue-manager/contracts/positions';
import { ageWords, timeOfDay, waitWords } from '@queue-manager/ui/words';
import { type CSSProperties, useEffect, useMemo, useState } from 'react';
import { read } from '../../page/api.ts';
import { useLanguage } from '../../page/language.tsx';
import { useHeldVersion } from '../../page/updates.ts';
import { useLive } from '../../page/use-live.ts';
import { useNow } from '../../page/use-now.ts';
import { useText } from '../../page/use-text.ts';
import { useVenue } from '../../page/use-venue.ts';
import { useWakeLock } from '../../page/use-wake-lock.ts';
import { Button } from '../../parts/button.tsx';
import { Icon } from '../../parts/icon.tsx';
import { QrCode } from '../../parts/qr-code.tsx';
import { Waiting } from '../../parts/shell.tsx';
import { chime } from '../../parts/sound.ts';
import './board.css';
import { type BoardPage, boardLive } from './board-live.ts';
import { shiftAt } from './burn-in.ts';
import { type Call, callWatch, isNumber, keyOf } from './calls.ts';
import { Controls } from './controls.tsx';
import { fitLabel, measureEm } from './fit-label.ts';
import { texts } from './strings.ts';
import { useBoardSound } from './use-board-sound.ts';
import { useIdle } from './use-idle.ts';

/** A deleted queue, or one that the server has forgotten for a moment: nobody is there to touch the screen. */
const retryGoneMs = 60_000;
const idleMs = 8_000;

/** The board on the wall: who is called, how many wait and how to join. */
export default function Board({ queueId }: { queueId: string }) {
  const text = useText(texts);
  const { snapshot, live } = useLive(queueId, () => {
    const params = { queueId };
    return boardLive(queueId, {
      board: (signal) => read('getBoard', { params, signal }),
      page: (signal) => read('getBoardPage', { params, signal }),
    });
  });
  const { board = null, page = null } = snapshot.value ?? {};
  const isGone = snapshot.state === 'gone';
  useVenue(page, board && text('title', { queue: board.queueName }));
  useWakeLock(true);
  // A page that is loaded again may not sound until it is touched.
  useHeldVersion(true);

  useEffect(() => {
    if (!isGone) return;
    const timer = setInterval(() => live?.refresh(), retryGoneMs);
    return () => clearInterval(timer);
  }, [isGone, live]);

  const sound = useBoardSound();
  const [newCalls] = useState(callWatch);
  const called = isGone ? null : (board?.called ?? null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only new boards have new calls
  useEffect(() => {
    if (called !== null) sound.announce(newCalls(called));
  }, [called]);

  const isIdle = useIdle(idleMs);
  return (
    <div className={isIdle ? 'board idle' : 'board'} style={useShift()}>
      {isGone ? (
        <main className="board-message">
          <h1>{text('gone')}</h1>
          <p className="muted">{text('goneHint')}</p>
        </main>
      ) : board === null ? (
        <main className="board-message">
          <Waiting isUnreachable={snapshot.state === 'stale'} />
        </main>
      ) : (
        <>
          <header className="board-head">
            <div>
              <p className="muted">{page?.venueName}</p>
              <h1 dir="auto">{board.queueName}</h1>
            </div>
            <Clock timezone={page?.timezone} />
          </header>
          <main className="board-main">
            <Calls called={board.called} playing={sound.playing} />
            <Line board={board} page={page} />
          </main>
        </>
      )}
      <footer className="board-foot">
        <div role="status">
          {snapshot.state === 'stale' && snapshot.asOf !== null && (
            <NoConnection asOf={snapshot.asOf} />
          )}
        </div>
        {sound.needsTouch && (
          <Button icon="sound" onClick={() => void chime()}>
            {text('touchForSound')}
          </Button>
        )}
        <section className="board-controls" aria-label={text('settings')}>
          <Controls sound={sound.mode} onSound={sound.setMode} />
        </section>
      </footer>
      <p className="hidden" role="status">
        {sound.playing && sound.sentence(sound.playing)}
      </p>
    </div>
  );
}

function Calls({ called, playing }: { called: readonly Call[]; playing: Call | null }) {
  const text = useText(texts);
  const [newest, ...earlier] = called;
  if (newest === undefined) {
    return (
      <section className="board-calls">
        <p className="board-nobody">{text('nobodyCalled')}</p>
      </section>
    );
  }
  const isFull = earlier.length > 8;
  const hasNumbers = called.every(({ label }) => isNumber(label));
  const columns = isFull ? (hasNumbers ? 5 : 3) : hasNumbers ? 4 : 2;
  return (
    <section className={isFull ? 'board-calls full' : 'board-calls'}>
      <div className="board-newest" key={keyOf(newest)}>
        <h2>{text('yourTurn')}</h2>
        {/* Its box is wide when many calls stand below it. */}
        <Label label={newest.label} oneLineEm={isFull ? 12 : 6} />
      </div>
      {earlier.length > 0 && (
        <div className="board-earlier">
          <h2>{text('alreadyCalled')}</h2>
          <ul style={{ '--columns': columns } as CSSProperties}>
            {earlier.map((call) => (
              <li
                key={keyOf(call)}
                className={playing && keyOf(playing) === keyOf(call) ? 'playing' : ''}
              >
                <Label label={call.label} oneLineEm={Number.POSITIVE_INFINITY} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

/** A number or name, as large as its box allows. */
function Label({ label, oneLineEm }: { label: string; oneLineEm: number }) {
  const { lines, widthEm } = useMemo(
    () => fitLabel(label, oneLineEm, measureEm),
    [label, oneLineEm],
  );
  const size = { '--width-em': widthEm, '--lines': lines.length } as CSSProperties;
  return (
    <div className="board-label">
      <bdi style={size}>
        {lines.map((line) => (
          <span key={line}>{line} </span>
        ))}
      </bdi>
    </div>
  );
}

/** The line behind the calls, and how to join it. */
function Line({ board, page }: { board: BoardData; page: BoardPage | null }) {
  const text = useText(texts);
  const { reader } = useLanguage();
  const { state, waiting, estimate } = board;
  const wait = estimate && waitWords(reader, estimate);
  return (
    <section className="board-line">
      <dl>
        <div>
          <dt>{text('waiting')}</dt>
          <dd className="board-count">{waiting}</dd>
        </div>
        {wait && (
          <div>
            <dt>{text('wait')}</dt>
            <dd>
              <strong>{wait.about}</strong>
              {wait.between && <span className="muted">{wait.between}</span>}
            </dd>
          </div>
        )}
      </dl>
      {state === 'open' ? (
        page && <Join joinUrl={page.joinUrl} />
      ) : (
        <div className="board-state">
          <p>
            <strong>{text(state)}</strong>
          </p>
          {waiting > 0 && <p className="muted">{text('stillCalled')}</p>}
        </div>
      )}
    </section>
  );
}

function Join({ joinUrl }: { joinUrl: string | null }) {
  const text = useText(texts);
  if (joinUrl === null) return <p className="board-state">{text('askStaff')}</p>;
  const address = joinUrl.replace(/^https?:\/\//, '');
  return (
    <div className="board-join">
      <QrCode text={joinUrl} label={text('joinQrCode', { address })} />
      <div>
        <p>
          <strong>{text('join')}</strong>
        </p>
        <p className="board-address" dir="ltr">
          {address}
        </p>
      </div>
    </div>
  );
}

function Clock({ timezone }: { timezone: string | undefined }) {
  const { reader } = useLanguage();
  return <p className="board-clock">{timeOfDay(reader, timezone, useNow(1_000))}</p>;
}

function NoConnection({ asOf }: { asOf: number }) {
  const text = useText(texts);
  const { reader } = useLanguage();
  useNow(1_000);
  return (
    <p className="board-offline">
      <Icon name="offline" />
      {text('noConnection', { age: ageWords(reader, Date.now() - asOf) })}
    </p>
  );
}

function useShift(): CSSProperties {
  const { x, y } = shiftAt(Math.floor(useNow(15_000) / 60_000));
  return { '--shift-x': `${x}px`, '--shift-y': `${y}px` } as CSSProperties;
}
