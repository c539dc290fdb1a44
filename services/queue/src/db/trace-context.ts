import {
  currentContext,
  type TraceContext,
  wellFormedContext,
} from '@queue-manager/service-kit/trace-context';
import type { TraceColumns } from './tables.ts';

/** The columns that keep the request a row comes from. */
export function traceColumns(): TraceColumns {
  const { requestId = null, traceparent = null } = currentContext() ?? {};
  return { request_id: requestId, traceparent };
}

/** The request a row comes from, for what is published of it. */
export function contextOf(row: TraceColumns): TraceContext {
  return wellFormedContext({ requestId: row.request_id, traceparent: row.traceparent });
}
