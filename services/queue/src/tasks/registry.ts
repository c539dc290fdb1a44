import type { TaskKind } from './kind.ts';
import { callExpire } from './kinds/call-expire.ts';
import { notifyAlmostThere } from './kinds/notify-almost-there.ts';
import { notifyCalled } from './kinds/notify-called.ts';
import { notifyInvitation } from './kinds/notify-invitation.ts';
import { notifyJoined } from './kinds/notify-joined.ts';
import { notifyNoShow } from './kinds/notify-no-show.ts';
import { notifyRecalled } from './kinds/notify-recalled.ts';
import { notifyRestored } from './kinds/notify-restored.ts';
import { retentionErase } from './kinds/retention-erase.ts';

/** Every kind of task, a line each. */
const kinds = [
  notifyInvitation,
  notifyJoined,
  notifyAlmostThere,
  notifyCalled,
  notifyRecalled,
  notifyNoShow,
  notifyRestored,
  callExpire,
  retentionErase,
] as const satisfies readonly TaskKind[];

export type TaskKindName = (typeof kinds)[number]['kind'];

/** The kinds by name; a row or a message may name one that only a newer version knows. */
export const taskKinds: ReadonlyMap<string, TaskKind> = new Map(
  kinds.map((kind): [string, TaskKind] => [kind.kind, kind]),
);
