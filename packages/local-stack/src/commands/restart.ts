/** `npm run restart -- NAME...`: restarts services or stores of the running system. */
import { lockHolder } from '../data-folder/data-dir-lock.ts';
import { readProcess } from '../data-folder/running-system.ts';
import { dataDirFrom } from '../settings.ts';
import { StackError } from '../stack-error.ts';
import { runUntilStopped, say } from '../terminal.ts';

await runUntilStopped(async () => {
  const dataDir = dataDirFrom(process.env);
  const names = process.argv.slice(2);
  if (names.length === 0) throw new StackError('usage: npm run restart -- NAME...');
  if (lockHolder(dataDir) === undefined) {
    throw new StackError(`nothing is running on the data folder ${dataDir}`);
  }
  for (const name of names) {
    const group = readProcess(dataDir, name);
    if (group === undefined) throw new StackError(`no service or store here is named ${name}`);
    // Its supervisor restarts whatever exits in an orderly way.
    try {
      process.kill(-group, 'SIGTERM');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      throw new StackError(`${name} is already restarting`);
    }
    say(`${name} is restarting`);
  }
});
