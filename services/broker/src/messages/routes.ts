import type { Deps } from '../deps.ts';
import { consumeMessages } from './consume-messages.ts';
import { deleteMessage } from './delete-message.ts';
import { extendMessage } from './extend-message.ts';
import { getBrokerStats } from './get-broker-stats.ts';
import { listDeadMessages } from './list-dead-messages.ts';
import { publishMessage } from './publish-message.ts';
import { requeueDeadMessage } from './requeue-dead-message.ts';

export const messagesRoutes = (deps: Deps) => [
  publishMessage(deps),
  consumeMessages(deps),
  deleteMessage(deps),
  extendMessage(deps),
  getBrokerStats(deps),
  listDeadMessages(deps),
  requeueDeadMessage(deps),
];
