import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { mailsTo, tokenIn } from './inbox.ts';

/** Responses as Mailpit's API documents them, the newest mail first. */
const ana = { Name: 'Ana', Address: 'ana@example.org' };
const message = (ID: string, to: { Name: string; Address: string }, Text: string) => ({
  ID,
  MessageID: `${ID}@queue-manager.dev`,
  From: { Name: 'Queue Manager', Address: 'no-reply@queue-manager.dev' },
  To: [to],
  Subject: `Mail ${ID}`,
  Text,
  HTML: `<p>${Text}</p>`,
});
const messages = [
  message('c', { ...ana, Address: 'diana@example.org' }, 'Not hers'),
  message('b', ana, 'Confirm: http://127.0.0.1:8080/verify?token=second\n'),
  message('a', ana, 'Confirm: http://127.0.0.1:8080/verify?token=first\n'),
];

suite('an inbox of Mailpit', () => {
  let server: Server;
  let url = '';
  const searches: (string | null)[] = [];

  before(async () => {
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://mailpit');
      const id = /^\/api\/v1\/message\/(\w+)$/.exec(pathname)?.[1];
      const found = messages.find(({ ID }) => ID === id);
      if (pathname === '/api/v1/search') {
        searches.push(searchParams.get('query'));
        const summaries = messages.map(({ ID, To }) => ({ ID, To }));
        response.end(JSON.stringify({ total: summaries.length, messages: summaries }));
      } else if (found) {
        response.end(JSON.stringify(found));
      } else {
        response.writeHead(404).end('404 page not found\n');
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  test('gives the mails to exactly one address, oldest first', async () => {
    const mails = await mailsTo(url, ana.Address);
    assert.deepEqual(
      mails.map(({ subject, to, html }) => [subject, to[0]?.address, html]),
      messages
        .slice(1)
        .reverse()
        .map(({ Subject, To, HTML }) => [Subject, To[0]?.Address, HTML]),
    );
    assert.deepEqual(searches, ['to:"ana@example.org"']);
    assert.deepEqual(mails.map(tokenIn), ['first', 'second']);
  });
});
