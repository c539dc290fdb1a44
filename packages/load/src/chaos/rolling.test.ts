import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { Caller } from '../callers/retrying-caller.ts';
import { restartInTurn } from './rolling.ts';
import { createTicketFollowers } from './ticket-followers.ts';

const { signal } = new AbortController();

describe('restarting in turn', () => {
  it('restarts every service once even if the time is over, one after the other', async () => {
    let running = 0;
    const order: string[] = [];
    const system = {
      async restart(name: string) {
        running += 1;
        assert.equal(running, 1);
        await new Promise(setImmediate);
        order.push(name);
        running -= 1;
      },
    };
    const restarted = await restartInTurn(system, ['auth', 'user'], 0, signal, () => {});
    assert.deepEqual(order, ['auth', 'user']);
    assert.deepEqual(Object.fromEntries(restarted), { auth: 1, user: 1 });
  });
});

describe('followers of tickets', () => {
  /** A gateway whose stream of a ticket shows this state, or is refused; the guest reads `called`. */
  async function violationsWith(shown: string | number): Promise<string[]> {
    const server = createServer((_request, response) => {
      if (typeof shown === 'number') return response.writeHead(shown).end();
      const data = JSON.stringify({ state: shown, position: null });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return response.write(`retry: 10\nevent: position\ndata: ${data}\n\n`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const followers = createTicketFollowers(`http://127.0.0.1:${port}`, 500);
    followers.follow('ticket');
    const answer = { ok: true, status: 200, body: { state: 'called', position: null } };
    const caller = { call: async () => ({ answer, ms: 0 }) } as unknown as Caller;
    const { followed, violations } = await followers.check(caller, signal);
    assert.equal(followed, 1);
    server.closeAllConnections();
    server.close();
    return violations.map(({ what }) => what);
  }

  it('find a stream that shows another state at the end, or was refused', async () => {
    assert.deepEqual(await violationsWith('called'), []);
    assert.match((await violationsWith('waiting'))[0] ?? '', /shows waiting .* who is called/);
    assert.match((await violationsWith(503))[0] ?? '', /shows nothing .* refused with 503/);
  });
});
