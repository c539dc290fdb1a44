import { backofficePath, pageUrl } from '@queue-manager/contracts/pages';
import { demoQueue, makeDemo, readDemo } from './demo.ts';

type Rows = [title: string, value: string][];

/**
 * The demo owner and the pages of their queue, if they still exist. Missing demo data is created first. The system works
 * without them, so failures only make a line for `say`.
 */
export async function demoRows(
  dataDir: string,
  addresses: { gatewayUrl: string; publicUrl: string; mailUrl: string | undefined },
  say: (line: string) => void,
): Promise<Rows> {
  const { gatewayUrl, publicUrl, mailUrl } = addresses;
  const demo = readDemo(dataDir);
  if (demo === undefined) return [];
  try {
    if (!demo.complete && mailUrl === undefined) {
      say(
        'No demo data: its account needs a verification mail, and SMTP_URL sends mails elsewhere',
      );
      return [];
    }
    if (mailUrl) await makeDemo(dataDir, gatewayUrl, mailUrl);
    const queue = await demoQueue(gatewayUrl, demo);
    if (queue === undefined) return [];
    return [
      ['Demo owner', `${demo.email}, password ${demo.password}`],
      ['Join page', queue.joinUrl],
      ['Board', pageUrl(publicUrl, 'board', queue.id)],
    ];
  } catch (error) {
    say(`The demo data could not be created: ${(error as Error).message}`);
    return [];
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
