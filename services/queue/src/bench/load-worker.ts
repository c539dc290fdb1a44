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

/**
 * Answers of one run; times in milliseconds. `longestMs` is how long the slowest took, also where the run was over
 * before its answer came: a stall of the whole run is in no other figure.
 */
export type LoadResult = {
  perSecond: number;
  p50: number;
  p99: number;
  longestMs: number;
  refused: number;
};

async function run(load: Load): Promise<LoadResult> {
  const { baseUrl, connections, seconds, method, paths, headers, body } = load;
  let clients = 0;
  /** By client, when it sent what it waits for. */
  const sentAt: number[] = [];
  let longestMs = 0;
  const result = await autocannon({
    url: baseUrl,
    connections,
    duration: seconds,
    setupClient(client) {
      const index = clients;
      const path = paths[index % paths.length] as string;
      clients += 1;
      sentAt[index] = performance.now();
      client.on('response', () => {
        const now = performance.now();
        longestMs = Math.max(longestMs, now - (sentAt[index] as number));
        sentAt[index] = now;
      });
      client.setRequests([
        body === undefined
          ? { method, path, headers }
          : { method, path, headers: { 'content-type': 'application/json', ...headers }, body },
      ]);
    },
  });
  const endedAt = result.finish.getTime() - performance.timeOrigin;
  for (const at of sentAt) longestMs = Math.max(longestMs, endedAt - at);
  return {
    perSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    longestMs,
    refused: result.non2xx + result.errors,
  };
}

answerQuestions({ run }, async () => {});
