/** Cycles with rsmq, as its README says: `sendMessage`, `receiveMessage`, `deleteMessage`. */
import { randomUUID } from 'node:crypto';
import RedisSmq from 'rsmq';
import { answerQuestions, workerOptions } from '../measure/worker.ts';
import { cyclesOf } from './cycles.ts';

const { url } = workerOptions<{ url: string }>();
const { hostname, port } = new URL(url);
const rsmq = new RedisSmq({ host: hostname, port: Number(port), ns: `bench-${randomUUID()}` });
const qname = 'venue';
await rsmq.createQueueAsync({ qname, vt: 30 });

answerQuestions(
  {
    cycles: cyclesOf({
      publish: (message) => rsmq.sendMessageAsync({ qname, message }),
      async consume() {
        const message = await rsmq.receiveMessageAsync({ qname });
        return 'id' in message ? message.id : undefined;
      },
      delete: (_consumer, id) => rsmq.deleteMessageAsync({ qname, id }),
    }),
  },
  async () => rsmq.quit(() => {}),
);
