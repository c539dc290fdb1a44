/**
 * Starts things side by side. When one cannot start, the others are told to give up, and those that
 * had started are stopped.
 *
 * @param starts each gets a signal that aborts when another one failed, or when `signal` does.
 * @throws what the first that failed threw, once nothing is left running.
 */
export async function allOrNone<T>(
  starts: ((signal: AbortSignal) => Promise<T>)[],
  stop: (started: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<T[]> {
  const failure = new AbortController();
  const given = signal ? AbortSignal.any([failure.signal, signal]) : failure.signal;
  const outcomes = await Promise.allSettled(
    starts.map(async (start) => {
      try {
        return await start(given);
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  const started = outcomes
    .filter((outcome) => outcome.status === 'fulfilled')
    .map((outcome) => outcome.value);
  if (!failure.signal.aborted) return started;
  await Promise.all(started.map(stop));
  throw failure.signal.reason;
}
