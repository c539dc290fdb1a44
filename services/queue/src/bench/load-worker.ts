/** The load: HTTP requests as fast as so many connections get their answers, in a process of its own. */
import autocannon from 'autocannon';
import { answerQuestions } from './worker.ts';

export type Load = {
  baseUrl: string;
  connections: number;
  seconds: number;
  method: 'GET' | 'POST';
  /** One for each connection, in turn. */
  paths: string[];
  headers: Record<string, string>;
  /** JSON. */
  body?: string;
};

/** Answers of one run; times in milliseconds. */
export type LoadResult = { perSecond: number; p50: number; p99: number; refused: number };

async function run(load: Load): Promise<LoadResult> {
  const { baseUrl, connections, seconds, method, paths, headers, body } = load;
  let clients = 0;
  const result = await autocannon({
    url: baseUrl,
    connections,
    duration: seconds,
    setupClient(client) {
      const path = paths[clients % paths.length] as string;
      clients += 1;
      client.setRequests([
        body === undefined
          ? { method, path, headers }
          : { method, path, headers: { 'content-type': 'application/json', ...headers }, body },
      ]);
    },
  });
  return {
    perSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    refused: result.non2xx + result.errors,
  };
}

answerQuestions({ run }, async () => {});
