/** Every kind of task; `tasks/registry.ts` says what does each. */
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
  | 'retention.erase';
