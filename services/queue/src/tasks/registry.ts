import type { TaskKindName } from '../line/task-kinds.ts';
import type { TaskKind } from './kind.ts';
import { callExpire } from './kinds/call-expire.ts';
import { notifyAlmostThere } from './kinds/notify-almost-there.ts';
import { notifyCalled } from './kinds/notify-called.ts';
import { notifyInvitation } from './kinds/notify-invitation.ts';
import { notifyJoined } from './kinds/notify-joined.ts';
import { notifyNoShow } from './kinds/notify-no-show.ts';
import { notifyRecalled } from './kinds/notify-recalled.ts';
import { notifyRemoved } from './kinds/notify-removed.ts';
import { notifyRestored } from './kinds/notify-restored.ts';
import { queueClear } from './kinds/queue-clear.ts';
import { queueDelete } from './kinds/queue-delete.ts';
import { retentionErase } from './kinds/retention-erase.ts';

/** All kinds of tasks, one line each. */
const kinds: { [Name in TaskKindName]: TaskKind<Name> } = {
  'notify.invitation': notifyInvitation,
  'notify.joined': notifyJoined,
  'notify.almost-there': notifyAlmostThere,
  'notify.called': notifyCalled,
  'notify.recalled': notifyRecalled,
  'notify.no-show': notifyNoShow,
  'notify.removed': notifyRemoved,
  'notify.restored': notifyRestored,
  'call.expire': callExpire,
  'queue.clear': queueClear,
  'queue.delete': queueDelete,
  'retention.erase': retentionErase,
};

/** The kinds by name. Rows and messages may hold kinds that only a newer version knows. */
export const taskKinds: ReadonlyMap<string, TaskKind> = new Map(Object.entries(kinds));
