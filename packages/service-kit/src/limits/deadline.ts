import { type Problem, problems } from '../problems.ts';
import { currentDeadline } from '../trace-context.ts';

/** How many milliseconds a service has for its response; the gateway counts from the headers of the request. */
export const deadlineHeader = 'x-deadline-ms';

/** Milliseconds until the deadline of the running code, negative after it; undefined if there is none. */
export function remainingMs(): number | undefined {
  const deadline = currentDeadline();
  return deadline === undefined ? undefined : deadline - performance.now();
}

/** The deadline that a header gives, on the clock of `performance.now()`; undefined for other text. */
export function deadlineOf(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,6}$/.test(header)
    ? performance.now() + Number(header)
    : undefined;
}

/** The response when the deadline has passed, or so much waits that it would. */
export function tooBusy(cause?: unknown): Problem {
  return problems.unavailable({ cause, retryAfterSeconds: 1 });
}

/** Throws `unavailable` after the deadline: nothing is begun that nobody waits for. */
export function assertInTime(): void {
  if ((remainingMs() ?? 1) <= 0) throw tooBusy();
}
