import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import {
  acceptSharedConnections,
  createSharedConnections,
  isSharedUpgrade,
} from '@queue-manager/service-kit/shared-connections';
import { testCredential, until } from '@queue-manager/service-kit/testing';
import { fastify } from 'fastify';
import { createEventStreams, type EventStream, eventOf } from './event-streams.ts';
import { openStream } from './testing.ts';

for (const kind of ['a connection of its own', 'a connection it shares'] as const)
  describe(`event streams, each on ${kind}`, () => {
    const streams = createEventStreams({
      undrainedMsMax: 200,
      bufferBytesMax: 512 * 1024,
      beatMs: 200,
    });
    const app = fastify({
      forceCloseConnections: 'idle',
      http: { shouldUpgradeCallback: isSharedUpgrade },
    });
    acceptSharedConnections(app, { internalCredential: testCredential });
    const shared = createSharedConnections({
      internalCredential: testCredential,
      connectTimeoutMs: 60_000,
    });
    const open = new Map<string, EventStream>();
    const drained: string[] = [];
    const beats: string[] = [];
    const closed: string[] = [];
    let base: string;

    before(async () => {
      app.get<{ Params: { name: string } }>('/:name', (request, reply) => {
        const { name } = request.params;
        const stream = streams.open(reply, {
          first: eventOf('first', '{}'),
          onDrained: () => drained.push(name),
          onBeat() {
            if (name === 'quiet') beats.push(name);
            if (name === 'speaks') at(name).send(eventOf('own', '"own"'));
            return name === 'speaks';
          },
          onClosed: () => closed.push(name),
        });
        open.set(name, stream);
      });
      app.addHook('preClose', async () => streams.close());
      base = await app.listen({ host: '127.0.0.1', port: 0 });
    });
    after(async () => {
      await app.close();
      shared.close();
    });

    const follow = (name: string) =>
      openStream(`${base}/${name}`, kind === 'a connection it shares' ? { on: shared } : {});
    const at = (name: string) => {
      const stream = open.get(name);
      assert.ok(stream);
      return stream;
    };

    it('begin with the retry delay and the first event', async () => {
      const stream = await follow('plain');
      assert.equal(stream.status, 200);
      assert.equal(stream.headers['content-type'], 'text/event-stream');
      assert.equal(stream.headers['cache-control'], 'no-store, no-transform');
      assert.equal(stream.headers['x-accel-buffering'], 'no');
      await until('the first event comes', () => stream.events.length === 1);
      assert.match(stream.text(), /^retry: [23]\d{3}\n\nevent: first\ndata: \{\}\n\n$/);
      at('plain').end(30_000);
      await stream.ended();
      assert.match(stream.text(), /retry: 30000\n\n$/);
      assert.ok(closed.includes('plain'));
    });

    it('send a comment after a silence', async () => {
      const stream = await follow('quiet');
      await until('two comments came', () => stream.text().endsWith('\n\n:\n\n:\n\n'));
      const beatsBefore = beats.length;
      const busy = await follow('busy');
      const filler = eventOf('filler', '{}');
      await until('the silent one was checked a few times', () => {
        at('busy').send(filler);
        return beats.length > beatsBefore + 5;
      });
      assert.doesNotMatch(busy.text(), /\n\n:\n\n/);
      stream.close();
      busy.close();
    });

    it('may send an event instead of the comment', async () => {
      const stream = await follow('speaks');
      await until('it has', () => stream.events.length > 2);
      assert.doesNotMatch(stream.text(), /\n\n:\n\n/);
      assert.equal(stream.last(), 'own');
      stream.close();
    });

    it('close when the reader disconnects', async () => {
      const stream = await follow('leaves');
      assert.equal(at('leaves').isOpen, true);
      stream.close();
      await until('the stream is closed', () => closed.includes('leaves'));
      assert.equal(at('leaves').isOpen, false);
      at('leaves').send(eventOf('late', '{}'));
    });

    it('drop a reader that does not read, and serve the others', async () => {
      const slow = await follow('slow');
      const quick = await follow('quick');
      slow.pause();
      const filler = eventOf('filler', JSON.stringify('x'.repeat(64 * 1024)));
      let sent = 0;
      await until('the slow reader is dropped', async () => {
        // As senders that may skip do: only if the buffer has drained.
        if (at('slow').isOpen && at('slow').isDrained) at('slow').send(filler);
        at('quick').send(filler);
        sent += 1;
        const soFar = sent;
        await until('the quick reader has it', () => quick.events.length > soFar);
        return closed.includes('slow');
      });
      assert.equal(at('quick').isOpen, true);
      assert.ok(!closed.includes('quick'));
      // A shared connection resets the stream, so that the peer discards what is buffered there.
      if (kind === 'a connection it shares') await slow.ended();
      quick.close();
    });

    it('drop a reader whose buffer exceeds the limit', async () => {
      const stream = await follow('full');
      stream.pause();
      const filler = eventOf('filler', JSON.stringify('x'.repeat(64 * 1024)));
      while (at('full').isOpen) {
        at('full').send(filler);
        if (!at('full').isDrained) await new Promise(setImmediate);
      }
      assert.ok(closed.includes('full'));
    });

    it('report when the buffer has drained', async () => {
      const stream = await follow('drains');
      stream.pause();
      const filler = eventOf('filler', JSON.stringify('x'.repeat(16 * 1024)));
      while (at('drains').isDrained) at('drains').send(filler);
      stream.resume();
      await until('it has drained', () => drained.includes('drains'));
      stream.close();
    });

    it('close with their connection, also behind another response on it', async () => {
      const socket = connect(Number(new URL(base).port), '127.0.0.1');
      for (const name of ['ahead', 'behind']) {
        socket.write(`GET /${name} HTTP/1.1\r\nhost: x\r\n\r\n`);
      }
      await until('both are open', () => open.has('ahead') && open.has('behind'));
      socket.destroy();
      await until('both are closed', () => closed.includes('ahead') && closed.includes('behind'));
    });

    it('answer HEAD with headers only', async () => {
      const answer = await fetch(`${base}/head`, { method: 'HEAD' });
      assert.equal(answer.headers.get('content-type'), 'text/event-stream');
      await until('it is closed', () => closed.includes('head'));
    });

    it('end at once when the app closes', async () => {
      const [reading, stuck] = [await follow('reading'), await follow('stuck')];
      stuck.pause();
      const filler = eventOf('filler', JSON.stringify('x'.repeat(16 * 1024)));
      while (at('stuck').isDrained) at('stuck').send(filler);
      await app.close();
      await reading.ended();
      assert.ok(closed.includes('stuck'));
      assert.equal(streams.count, 0);
    });
  });
