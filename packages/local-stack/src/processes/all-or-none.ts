/**
 * Starts several things concurrently. When one fails to start, the others are aborted and those already started
 * are stopped.
 *
 * @param starts each gets a signal that aborts when another start fails, or when `signal` does.
 * @throws the error of the first failed start, once nothing is left running.
 */
export async function allOrNone<T>(
  starts: ((signal: AbortSignal) => Promise<T>)[],
  stop: (started: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<T[]> {
  const failure = new AbortController();
  const anySignal = signal ? AbortSignal.any([failure.signal, signal]) : failure.signal;
  const outcomes = await Promise.allSettled(
    starts.map(async (start) => {
      try {
        return await start(anySignal);
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
