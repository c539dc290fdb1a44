import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ask } from './ask.ts';
import { runStore, type StartedStore, type StoreContext } from './run-store.ts';

const maildev = join(
  dirname(createRequire(import.meta.url).resolve('maildev/package.json')),
  'bin/maildev',
);

/** maildev: catches every mail and shows it in an inbox on `webPort`; provides SMTP_URL. */
export async function startMail(
  context: StoreContext,
  webPort: number | undefined,
): Promise<StartedStore> {
  const folder = join(context.dataDir, 'mail');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return runStore(context, {
    name: 'mail',
    freePorts: webPort === undefined ? 2 : 1,
    ...(webPort === undefined ? {} : { fixedPort: { port: webPort, variable: 'MAIL_PORT' } }),
    command: ([smtp, web]) => ({
      file: process.execPath,
      args: [
        maildev,
        ...['--ip', '127.0.0.1', '--smtp', String(smtp)],
        ...['--web-ip', '127.0.0.1', '--web', String(web)],
        ...['--mail-directory', folder],
      ],
    }),
    async isReady([smtp = 0, web = 0], signal) {
      const greeting = await ask(smtp, signal);
      const answer = await fetch(`http://127.0.0.1:${web}/healthz`, { signal });
      await answer.body?.cancel();
      return greeting.toString().startsWith('220') && answer.ok;
    },
    environment: ([smtp, web]) => ({
      SMTP_URL: `smtp://127.0.0.1:${smtp}`,
      MAIL_URL: `http://127.0.0.1:${web}`,
    }),
    complaint: /error/i,
    readyWithinMs: 60_000,
    stopWithinMs: 5_000,
  });
}
