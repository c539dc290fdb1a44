import { createGate, createKeyedGate } from '@queue-manager/service-kit/limits/gate';
import type { Deps } from '../deps.ts';

/** Nobody's reports and downloads keep others from the line: they take turns, page by page, and each account few. */
export function createReportGates(): Pick<Deps, 'reports' | 'downloads' | 'pages'> {
  const byAccount = createKeyedGate({ atOnce: 1, waitingMax: 8 });
  // Each keeps a connection for its snapshot.
  const ofAll = createGate({ atOnce: 4, waitingMax: 64 });
  return {
    reports: { run: (account, work) => byAccount.run(account, () => ofAll.run(work)) },
    downloads: createKeyedGate({ atOnce: 2, waitingMax: 8 }),
    pages: createGate({ atOnce: 1, waitingMax: 1_000 }),
  };
}
