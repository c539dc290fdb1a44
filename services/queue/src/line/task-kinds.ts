/** Every kind of task; `tasks/registry.ts` maps them to their handlers. */
export type TaskKindName =
  | 'notify.invitation'
  | 'notify.joined'
  | 'notify.almost-there'
  | 'notify.called'
  | 'notify.recalled'
  | 'notify.no-show'
  | 'notify.removed'
  | 'notify.restored'
  | 'call.expire'
  | 'queue.clear'
  | 'queue.delete'
  | 'retention.erase';
