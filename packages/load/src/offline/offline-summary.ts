import { hasFailed, type OfflineResult } from './play-offline-night.ts';

/** The result for people. */
export function offlineSummary(result: OfflineResult, seconds: number): string {
  const { day, arrivals, joined, presses, sent, disagreements } = result;
  const rows: [string, number][] = [
    ['joined by phone', joined.byPhone],
    ['added at a stand', joined.atStand],
    ['presses', presses.total],
    ...Object.entries(presses.byKind).map(([kind, count]): [string, number] => [
      `  ${kind}`,
      count,
    ]),
    ['presses without network', presses.withoutNetwork],
    ['waited for the network', sent.presses],
    ['milliseconds to send them', sent.ms],
    ['taken back unsent', result.takenBack],
    ['shown as refused', result.refused],
    ['  done anyway', result.doneAnyway],
    ['events', result.events],
    ['lost', result.lost],
    ['doubled', result.doubled],
    ['unexplained', result.unexplained],
    ['disagreements', disagreements.length],
  ];
  return [
    `${day}, ${arrivals} arrivals, half an hour without network, played in ${seconds.toFixed(1)} s`,
    '',
    ...rows.map(([name, count]) => `  ${name.padEnd(28)}${String(count).padStart(6)}`),
    '',
    ...[...disagreements, ...result.findings].map((what) => `  ${what}`),
    hasFailed(result)
      ? 'FAILED: see the counts above.'
      : 'Every press happened once, was taken back or was shown as refused; server, model and screens agree.',
    '',
  ].join('\n');
}
