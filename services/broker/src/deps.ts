import type { VerifyApiKey } from '@queue-manager/service-kit/create-app';
import type { KeyedGate } from '@queue-manager/service-kit/limits/gate';
import type { MessageStore } from './store/message-store.ts';
import type { Waiting } from './waiting/waiting.ts';

/** The dependencies of the endpoints. */
export type Deps = {
  store: MessageStore;
  waiting: Waiting;
  /** Makes the calls of a venue take turns while others have some, by venue. */
  venues: KeyedGate;
  verifyApiKey: VerifyApiKey;
};
