import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createAnnouncer } from './announcer.ts';

function recorded() {
  const log: string[] = [];
  let finish: { resolve(): void; reject(error: Error): void } | null = null;
  const announcer = createAnnouncer<string>({
    play: (call) => {
      log.push(`play ${call}`);
      return new Promise((resolve, reject) => {
        finish = { resolve, reject };
      });
    },
    onPlaying: (call) => log.push(call === null ? 'quiet' : `show ${call}`),
  });
  return {
    announcer,
    log,
    async end(error?: Error) {
      if (error) finish?.reject(error);
      else finish?.resolve();
      await turn();
    },
  };
}

describe('createAnnouncer', () => {
  it('plays every call in turn, also those that come while one is being played', async () => {
    const { announcer, log, end } = recorded();
    announcer.announce(['1']);
    announcer.announce(['2', '3']);
    assert.deepEqual(log, ['show 1', 'play 1']);
    await end();
    await end();
    assert.deepEqual(log.slice(2), ['show 2', 'play 2', 'show 3', 'play 3']);
    await end();
    assert.equal(log.at(-1), 'quiet');
    announcer.announce(['4']);
    assert.equal(log.at(-1), 'play 4');
  });

  it('goes on after a call that could not be played', async () => {
    const { announcer, log, end } = recorded();
    announcer.announce(['1', '2']);
    await end(new Error('no voice'));
    assert.equal(log.at(-1), 'play 2');
  });

  it('forgets what has not begun when cleared', async () => {
    const { announcer, log, end } = recorded();
    announcer.announce(['1', '2']);
    announcer.clear();
    await end();
    assert.deepEqual(log, ['show 1', 'play 1', 'quiet']);
  });
});
