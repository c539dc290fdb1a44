import { setTimeout as delay } from 'node:timers/promises';
import { backofficePath, pageUrl } from '@queue-manager/contracts/pages';
import { demoQueue, makeDemo, readDemo } from './demo.ts';

/** For how long a start tries to create the demo data. */
export const demoTriesMs = 60_000;

type Rows = [title: string, value: string][];

/**
 * The demo owner and the pages of their queue, if they still exist. Missing demo data is created first, on a busy machine
 * with several tries. The system works without them, so a failure only makes a line for `say`; the rows are then undefined.
 *
 * @param signal ends the tries.
 */
export async function demoRows(
  dataDir: string,
  addresses: { gatewayUrl: string; publicUrl: string; mailUrl: string | undefined },
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Rows | undefined> {
  const { gatewayUrl, publicUrl, mailUrl } = addresses;
  const demo = readDemo(dataDir);
  if (demo === undefined) return [];
  if (!demo.complete && mailUrl === undefined) {
    say('No demo data: its account needs a verification mail, and SMTP_URL sends mails elsewhere');
    return [];
  }
  for (;;) {
    try {
      if (mailUrl) await makeDemo(dataDir, gatewayUrl, mailUrl);
      const queue = await demoQueue(gatewayUrl, demo);
      if (queue === undefined) return [];
      return [
        ['Demo owner', `${demo.email}, password ${demo.password}`],
        ['Join page', queue.joinUrl],
        ['Board', pageUrl(publicUrl, 'board', queue.id)],
      ];
    } catch (error) {
      if (signal.aborted) {
        const { message } = error as Error;
        say(`The demo data could not be created: ${message}. The next start tries again.`);
        return undefined;
      }
    }
    await delay(500);
  }
}

/** What a person needs once the system is ready: addresses, the demo data, and how to stop it. */
export function readyLines(
  addresses: { gatewayUrl: string; publicUrl: string; mailUrl: string | undefined },
  demo: Rows,
  howToStop: string,
): string[] {
  const { gatewayUrl, publicUrl, mailUrl } = addresses;
  const rows: Rows = [
    ['Gateway', gatewayUrl],
    ['Backoffice', `${publicUrl}${backofficePath}/`],
    ['API docs', `${gatewayUrl}/docs`],
    ...(mailUrl ? ([['Mail inbox', mailUrl]] satisfies Rows) : []),
    ...demo,
  ];
  return [
    'Queue Manager is ready.',
    '',
    ...rows.map(([title, value]) => `  ${title.padEnd(12)}${value}`),
    '',
    howToStop,
  ];
}
