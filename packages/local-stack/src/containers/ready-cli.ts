/** The one-shot container that creates the demo data once the gateway is ready, and prints what `npm start` prints. */
import { readConfig, Url } from '@queue-manager/service-kit/config';
import { runOnce } from '@queue-manager/service-kit/serve';
import { z } from 'zod';
import { planDemo, readDemo } from '../system/demo.ts';
import { demoRows, demoTriesMs, readyLines } from '../system/ready.ts';
import { say } from '../terminal.ts';

await runOnce(async () => {
  const { DATA_DIR, GATEWAY_URL, INBOX_URL, MAIL_URL, PUBLIC_URL, SMTP_URL } = readConfig({
    DATA_DIR: z.string(),
    /** As this container reaches them. */
    GATEWAY_URL: Url,
    MAIL_URL: Url.optional(),
    /** As a person reaches them. */
    PUBLIC_URL: Url,
    INBOX_URL: Url.optional(),
    /** Where mails go instead of the inbox. */
    SMTP_URL: Url.optional(),
  });
  if (readDemo(DATA_DIR) === undefined) planDemo(DATA_DIR);
  const [mailUrl, inboxUrl] = SMTP_URL ? [] : [MAIL_URL, INBOX_URL];
  const called = { gatewayUrl: GATEWAY_URL, publicUrl: PUBLIC_URL, mailUrl };
  const demo = await demoRows(DATA_DIR, called, say, AbortSignal.timeout(demoTriesMs));
  if (demo === undefined) process.exitCode = 1;
  const printed = { gatewayUrl: PUBLIC_URL, publicUrl: PUBLIC_URL, mailUrl: inboxUrl };
  const howToStop =
    'Ctrl-C or "docker compose down" stops it. The data stays in volumes; "docker compose down -v" deletes them.';
  process.stdout.write(`${['', ...readyLines(printed, demo ?? [], howToStop), ''].join('\n')}\n`);
});
