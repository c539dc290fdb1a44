import type { Success } from '@queue-manager/client/client';
import type { Board } from '@queue-manager/contracts/positions';

export type JoinPage = Success<'getJoinPage'>;

/** What the page of a line says about a party of a size. `hasMoved`: the line has moved since the estimate was made. */
export type JoinPageForSize = { page: JoinPage; size: number; hasMoved: boolean };

export type Block = 'selfJoinOff' | 'closed' | 'paused' | 'full';

/** Why a guest cannot join now; null if it can. */
export function blockOf({ selfJoin, state, full }: JoinPage): Block | null {
  if (!selfJoin) return 'selfJoinOff';
  if (state !== 'open') return state;
  return full ? 'full' : null;
}

/**
 * The page after an event of the queue's board. The board does not say whether the line is full or guests may join, so
 * while they may not, it is read again. Its estimate is for no size in particular: the known one stays until the next
 * read.
 */
export function withBoard(
  known: JoinPageForSize | null,
  { queueName, state, waiting }: Board,
): { value: JoinPageForSize; isComplete: boolean } | null {
  if (known === null) return null;
  const { page, size } = known;
  const isComplete = state === page.state && blockOf(page) === null;
  return {
    value: {
      size,
      page: {
        ...page,
        ...{ name: queueName, state, waiting },
        estimate: state === 'open' ? page.estimate : null,
      },
      hasMoved: known.hasMoved || waiting !== page.waiting,
    },
    isComplete,
  };
}

/** The field that each error of the server is shown at. */
export type FieldErrors = Partial<Record<'name' | 'email' | 'phone' | 'size' | 'form', true>>;

export function errorsOf({ status, problem }: RefusedJoin): FieldErrors {
  const code = problem?.type.split('/').at(-1);
  if (code === 'party-too-large') return { size: true };
  const fields = (problem?.errors ?? []).map(({ path }) => path);
  const known = fields.filter((path) => ['name', 'email', 'phone', 'size'].includes(path));
  if (status !== 400 || known.length === 0) return { form: true };
  return Object.fromEntries(known.map((path) => [path, true]));
}

type RefusedJoin = {
  status: number;
  problem: { type: string; errors?: { path: string }[] | undefined } | null;
};
