import type { Queue } from '@queue-manager/contracts/queues';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { joinUrlOf } from '../access/guest-links.ts';
import type { QueueRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';

export function queueView(deps: Pick<Deps, 'publicUrl'>, row: QueueRow): Queue {
  return {
    id: bytesToUuid(row.id),
    venueId: bytesToUuid(row.venue_id),
    name: row.name,
    text: row.text,
    endMessage: row.end_message,
    state: row.state,
    joinCode: row.join_code,
    joinUrl: joinUrlOf(deps, row.join_code),
    waiting: row.waiting,
    called: row.called,
    maxWaiting: row.max_waiting,
    maxPartySize: row.max_party_size,
    callGraceSeconds: row.call_grace_seconds,
    selfJoin: row.self_join === 1,
    boardLabels: row.board_labels,
  };
}
