import assert from 'node:assert/strict';
import { Report } from '@queue-manager/contracts/reports';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { parse } from 'csv-parse/sync';
import type { KyselyPlugin } from 'kysely';
import type { Answer, QueueService } from '../testing.ts';

/** Tests of this room set their clock to this time: the hours, days and offsets they expect belong to it. */
export const reportStart = '2026-11-20T20:00:00.000Z';

/** Calls about reports, for tests; `service` is read at each call. */
export function reportCalls(service: () => QueueService) {
  const get = (url: string, as?: string) =>
    service().call('GET', url, as === undefined ? {} : { as });
  const reportOf = async (queueId: string, as: string, query = ''): Promise<Report> => {
    const { status, body } = await get(`/v1/queues/${queueId}/report${query}`, as);
    assert.equal(status, 200, JSON.stringify(body));
    return Report.strict().parse(body);
  };
  const fileOf = (queueId: string, as: string, query = '') =>
    get(`/v1/queues/${queueId}/parties.csv${query}`, as);

  /** The rows of an exported file by column name, read as RFC 4180. */
  function rowsIn({ status, headers, raw }: Answer): Record<string, string>[] {
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/csv; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-store');
    assert.deepEqual([...raw.subarray(0, 3)], [0xef, 0xbb, 0xbf], 'a byte order mark');
    return parse(raw, { bom: true, columns: true, record_delimiter: '\r\n' });
  }

  /** Replaces the estimate that a guest got on joining. */
  const quote = (partyId: string, p10: number, p50: number, p90: number) =>
    service()
      .db.updateTable('quotes')
      .set({ estimate: JSON.stringify({ p10, p50, p90, model: 'test', asOf: reportStart }) })
      .where('party_id', '=', uuidToBytes(partyId))
      .execute();
  return { get, reportOf, fileOf, rowsIn, quote };
}

/** Runs a hook after each statement that matches the pattern. */
export function afterQuery(pattern: RegExp, hook: () => Promise<void>): KyselyPlugin {
  const matching = new WeakSet<object>();
  return {
    transformQuery({ node, queryId }) {
      if (pattern.test(JSON.stringify(node))) matching.add(queryId);
      return node;
    },
    async transformResult({ result, queryId }) {
      if (matching.has(queryId)) await hook();
      return result;
    },
  };
}
