import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { it } from 'node:test';
import { until } from './testing.ts';

const program = `
  import { createApp } from './src/create-app.ts';
  import { serve } from './src/serve.ts';
  import { testCredential, testLogger } from './src/testing.ts';

  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  app.addHook('onListen', async () => process.stdout.write(String(app.server.address().port)));
  await serve(async () => ({ app, host: '127.0.0.1', port: 0 }), { lingerMs: 600_000 });
`;

it('responds on an idle connection after it was told to stop, and ends it', async (t) => {
  const service = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => service.kill('SIGKILL'));
  const [port] = await once(service.stdout, 'data');
  const ask = async (agent: Agent) => {
    const [response] = (await once(
      get(`http://127.0.0.1:${port}/livez`, { agent }),
      'response',
    )) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.headers.connection;
  };
  const idle = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal(await ask(idle), 'keep-alive');
  service.kill('SIGTERM');
  await until('it is stopping', async () => (await ask(new Agent())) === 'close');
  assert.equal(await ask(idle), 'close');
});
