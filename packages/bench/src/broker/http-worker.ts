/** Cycles over HTTP, as a program of a venue makes them. */
import { Pool } from 'undici';
import { answerQuestions, workerOptions } from '../measure/worker.ts';
import { type CycleLoad, cyclesOf } from './cycles.ts';

const { key } = workerOptions<{ key: string }>();
const headers = { authorization: `Bearer ${key}` };

async function cycles({ url, ...load }: CycleLoad & { url: string }) {
  const pool = new Pool(url, { connections: load.atOnce });
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: string) => {
    const answer = await pool.request({
      method,
      path,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode}`);
    return answer.body.json();
  };
  try {
    return await cyclesOf({
      publish: (message) => call('POST', '/v1/publish', message),
      async consume(cid) {
        const path = `/v1/consumer?cid=${encodeURIComponent(cid)}`;
        const [message] = (await call('GET', path)) as { id: string }[];
        return message?.id;
      },
      delete: (cid, id) => call('DELETE', `/v1/consumer?cid=${encodeURIComponent(cid)}&id=${id}`),
    })(load);
  } finally {
    await pool.close();
  }
}

answerQuestions({ cycles });
