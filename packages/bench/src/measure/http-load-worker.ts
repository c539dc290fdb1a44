/** The load: HTTP requests over a number of connections, as fast as each gets its answers. */
import autocannon from 'autocannon';
import { answerQuestions } from './worker.ts';

export type Load = {
  baseUrl: string;
  connections: number;
  seconds: number;
  method: 'GET' | 'POST';
  /** Assigned to the connections round robin. */
  paths: string[];
  headers: Record<string, string>;
  /** JSON. */
  body?: string;
};

/**
 * Figures of one run; times in milliseconds. `longestMs` includes requests still unanswered at the end, so that
 * a stall of the whole run shows in it.
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
  /** When each client sent its pending request. */
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

answerQuestions({ run });
