/** `npm run restart -- NAME...`: restarts services or stores of the system that is running. */
import { lockHolder } from './data-dir-lock.ts';
import { notedProcess } from './process-files.ts';
import { dataDirFrom } from './settings.ts';
import { StackError } from './stack-error.ts';
import { runUntilStopped, say } from './terminal.ts';

await runUntilStopped(async () => {
  const dataDir = dataDirFrom(process.env);
  const names = process.argv.slice(2);
  if (names.length === 0) throw new StackError('usage: npm run restart -- NAME...');
  if (lockHolder(dataDir) === undefined) {
    throw new StackError(`nothing is running on the data folder ${dataDir}`);
  }
  for (const name of names) {
    const group = notedProcess(dataDir, name);
    if (group === undefined) throw new StackError(`nothing that runs here is called ${name}`);
    // Its supervisor starts again what ends in an orderly way.
    try {
      process.kill(-group, 'SIGTERM');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      throw new StackError(`${name} is not running at the moment: it is being started again`);
    }
    say(`${name} is told to end and will be started again`);
  }
});
