import {
  currentContext,
  type TraceContext,
  wellFormedContext,
} from '@queue-manager/service-kit/trace-context';
import type { TraceColumns } from './tables.ts';

/** The current trace context, as columns of a row. */
export function traceColumns(): TraceColumns {
  const { requestId = null, traceparent = null } = currentContext() ?? {};
  return { request_id: requestId, traceparent };
}

/** The trace context of a row, for what is published from it. */
export function contextOf(row: TraceColumns): TraceContext {
  return wellFormedContext({ requestId: row.request_id, traceparent: row.traceparent });
}
