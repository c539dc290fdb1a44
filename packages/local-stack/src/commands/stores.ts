/**
 * `npm run stores -- [--write-env FILE]`: runs the stores alone until stopped, for fast runs of single test files. Their
 * addresses are printed, or written to FILE, as shell exports.
 */
import { parseArgs } from 'node:util';
import { writePrivateFile } from '../data-folder/private-file.ts';
import { secretsOf } from '../data-folder/secrets.ts';
import { repositoryRoot } from '../repository.ts';
import { dataDirFrom } from '../settings.ts';
import { startStores } from '../stores/start-stores.ts';
import { ensurePrograms } from '../stores/system-packages.ts';
import { runUntilStopped, say } from '../terminal.ts';

await runUntilStopped(async (stopping, signal) => {
  const { values } = parseArgs({ options: { 'write-env': { type: 'string' } } });
  const dataDir = dataDirFrom(process.env);
  await ensurePrograms(process.env, repositoryRoot, say);
  const stores = await startStores({
    dataDir,
    ...(process.env.MAIL_PORT ? { mailPort: Number(process.env.MAIL_PORT) } : {}),
    log: say,
    signal,
  });
  try {
    const env = { ...stores.env, ...secretsOf(dataDir) };
    if (stores.mailUrl) Object.assign(env, { MAIL_URL: stores.mailUrl });
    const lines = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
    const file = values['write-env'];
    if (file) {
      writePrivateFile(file, lines.join(''));
      say(`The stores are ready; their addresses are in ${file}. Ctrl-C stops them.`);
    } else {
      process.stdout.write(lines.join(''));
      say('The stores are ready. Ctrl-C stops them.');
    }
    await stopping;
  } finally {
    await stores.stop();
  }
});
