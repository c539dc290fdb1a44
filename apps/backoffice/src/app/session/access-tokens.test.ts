import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Access,
  type AccessTokens,
  createAccessTokens,
  type Message,
  SessionEnded,
  userIdIn,
} from './access-tokens.ts';

const lifeMs = 15 * 60_000;

/** A server with one session, and tabs that share its cookie, a lock and a channel. */
function play() {
  let nowMs = 0;
  let exchanges = 0;
  let underWay = 0;
  let isEnded = false;
  let isUnreachable = false;
  let areMessagesLate = false;
  let turns = 0;
  let last: Promise<unknown> = Promise.resolve();
  const tabs: AccessTokens[] = [];
  const timers: { at: number; run: () => void; isOff: boolean }[] = [];

  async function refresh(): Promise<Access> {
    underWay += 1;
    assert.equal(underWay, 1, 'two exchanges at the same time');
    await Promise.resolve();
    underWay -= 1;
    if (isEnded) throw new SessionEnded();
    if (isUnreachable) throw new TypeError('Failed to fetch');
    exchanges += 1;
    return { token: `token ${exchanges}`, userId: 'ana', expiresAt: nowMs + lifeMs };
  }

  return {
    openTab(): AccessTokens {
      const tab = createAccessTokens({
        refresh,
        exclusively<T>(task: (hasWaited: boolean) => Promise<T>) {
          const hasWaited = turns > 0;
          turns += 1;
          const result = last.then(() => task(hasWaited));
          last = result
            .catch(() => {})
            .finally(() => {
              turns -= 1;
            });
          return result;
        },
        send(message: Message) {
          const deliver = () => {
            for (const other of tabs) if (other !== tab) other.receive(message);
          };
          if (areMessagesLate) setImmediate(deliver);
          else deliver();
        },
        now: () => nowMs,
        after(ms, run) {
          const timer = { at: nowMs + ms, run, isOff: false };
          timers.push(timer);
          return () => {
            timer.isOff = true;
          };
        },
      });
      tabs.push(tab);
      return tab;
    },
    async pass(ms: number) {
      nowMs += ms;
      for (const timer of timers.splice(0)) {
        if (timer.isOff) continue;
        if (timer.at <= nowMs) timer.run();
        else timers.push(timer);
      }
      await last;
    },
    end() {
      isEnded = true;
    },
    setUnreachable(value: boolean) {
      isUnreachable = value;
    },
    delayMessages() {
      areMessagesLate = true;
    },
    get exchanges() {
      return exchanges;
    },
  };
}

describe('createAccessTokens', () => {
  it('exchanges the cookie once for any number of calls at the same time', async () => {
    const world = play();
    const tab = world.openTab();
    assert.deepEqual(
      await Promise.all([tab.get(), tab.get(), tab.get()]),
      Array(3).fill('token 1'),
    );
    assert.equal(await tab.get(), 'token 1');
    assert.equal(world.exchanges, 1);
    assert.equal(tab.userId, 'ana');
  });

  it('shares an exchange with the other tabs, also with one that waits for its turn', async () => {
    const world = play();
    const [one, two] = [world.openTab(), world.openTab()];
    assert.deepEqual(await Promise.all([one.get(), two.get()]), ['token 1', 'token 1']);
    one.refuse('token 1');
    assert.deepEqual(await Promise.all([one.get(), two.get()]), ['token 2', 'token 1']);
    assert.equal(await two.get(), 'token 2');
    assert.equal(world.exchanges, 2);
  });

  it('waits a moment for the message of the tab that was first', async () => {
    const world = play();
    world.delayMessages();
    const [one, two] = [world.openTab(), world.openTab()];
    assert.deepEqual(await Promise.all([one.get(), two.get()]), ['token 1', 'token 1']);
    assert.equal(world.exchanges, 1);
  });

  it('exchanges the cookie itself if the tab that was first has failed', async () => {
    const world = play();
    const [one, two] = [world.openTab(), world.openTab()];
    world.setUnreachable(true);
    const [first, second] = [one.get(), two.get()];
    await assert.rejects(first, TypeError);
    world.setUnreachable(false);
    await new Promise(setImmediate);
    await world.pass(500);
    assert.equal(await second, 'token 1');
  });

  it('renews a token before it expires, without a call, once over all tabs', async () => {
    const world = play();
    const [one, two] = [world.openTab(), world.openTab()];
    await one.get();
    await world.pass(lifeMs - 59_000);
    assert.equal(world.exchanges, 2);
    assert.deepEqual(await Promise.all([one.get(), two.get()]), ['token 2', 'token 2']);
  });

  it('returns no token that is about to expire, such as after a sleep', async () => {
    const world = play();
    const tab = world.openTab();
    tab.set({ token: 'of the sign-in', userId: 'ana', expiresAt: lifeMs });
    await tab.get();
    await world.pass(10 * lifeMs);
    assert.equal(await tab.get(), 'token 1');
  });

  it('says that the session has ended, and goes on after the next sign-in in any tab', async () => {
    const world = play();
    const [one, two] = [world.openTab(), world.openTab()];
    world.end();
    await assert.rejects(one.get(), SessionEnded);
    await assert.rejects(one.get(), SessionEnded);
    two.set({ token: 'new', userId: 'ana', expiresAt: lifeMs });
    assert.equal(await one.get(), 'new');
  });

  it('forgets the token in all tabs on signing out', async () => {
    const world = play();
    const [one, two] = [world.openTab(), world.openTab()];
    await one.get();
    two.clear();
    assert.equal(one.userId, null);
    world.end();
    await assert.rejects(one.get(), SessionEnded);
  });

  it('keeps no token that comes after signing out', async () => {
    const world = play();
    const tab = world.openTab();
    const late = tab.get();
    await Promise.resolve();
    tab.clear();
    await assert.rejects(late, SessionEnded);
    assert.equal(tab.userId, null);
  });
});

describe('userIdIn', () => {
  it('is the subject of a token', () => {
    const payload = Buffer.from(JSON.stringify({ sub: 'ana?>~' })).toString('base64url');
    assert.equal(userIdIn(`head.${payload}.signature`), 'ana?>~');
  });
});
