import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { openLineStore, ownerOf } from './line-store.ts';
import { canRepeat, type Line, openLine, type Pressed } from './open-line.ts';
import type { Row } from './row.ts';
import { Device, FakeVenue, Network } from './testing.ts';

const rui = 'rui';

/** Waits for what happens by itself; fails after five seconds. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let rounds = 0; !isSo(); rounds += 1) {
    assert.ok(rounds < 5_000, `did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

async function stand(
  t: TestContext,
  venue: FakeVenue,
  {
    userId = rui,
    name = randomUUID() as string,
    device = new Device(() => venue.now),
    network = new Network(venue, userId),
  } = {},
) {
  const store = await openLineStore({ name });
  const { api, openStream } = network;
  const { venueId } = venue;
  const line = await openLine({ userId, venueId, api, openStream, store, host: device.host() });
  const close = () => {
    line.close();
    store.close();
  };
  t.after(close);
  return {
    line,
    network,
    store,
    close,
    /** Opens the line of the same device again, as another tab or after a reload. */
    again: (as = userId) =>
      stand(t, venue, { userId: as, name, device, network: as === userId ? network : undefined }),
    /** The next time that the device keeps the line. */
    async saved() {
      const { saveLine } = store;
      const { promise, resolve } = Promise.withResolvers<void>();
      store.saveLine = async (...given) => resolve(await saveLine(...given));
      await promise;
    },
    /** The names that the device keeps. */
    async kept() {
      const saved = await store.line(ownerOf(userId, venueId));
      return saved?.line.parties.map(({ name }) => name) ?? [];
    },
    live: () => until('the line is live', () => line.getSnapshot().connection === 'live'),
    idle: () => until('all presses are answered', () => line.getSnapshot().queued === 0),
  };
}

const part = (line: Line, name: 'waiting' | 'called' | 'seated' | 'ended', queue = 0) =>
  (line.getSnapshot().queues[queue]?.[name] ?? []) as readonly Row[];
const names = (rows: readonly Row[]) => rows.map(({ name }) => name);
const taken = (pressed: Pressed | string): Pressed => {
  assert.ok(typeof pressed !== 'string', String(pressed));
  return pressed;
};
const keyOf = (line: Line, name: string) =>
  (['waiting', 'called', 'seated', 'ended'] as const)
    .flatMap((of) => part(line, of))
    .find((row) => row.name === name)?.key ?? 'none';

describe('the line of a venue', () => {
  it('shows every queue and follows what others do', async (t) => {
    const venue = new FakeVenue(['tables', 'bar']);
    const ana = venue.add({ name: 'Ana' });
    venue.add({ name: 'Bo', lane: 'priority' });
    venue.add({ queueId: 'bar', name: 'Cy' });
    const { line, live } = await stand(t, venue);
    await live();
    assert.deepEqual(names(part(line, 'waiting')), ['Bo', 'Ana']);
    assert.deepEqual(names(part(line, 'waiting', 1)), ['Cy']);

    venue.act('call', ana.id, { kind: 'staff', userId: 'eva' });
    await until('the call is shown', () => part(line, 'called').length === 1);
    const [called] = part(line, 'called');
    assert.deepEqual(
      [called?.name, called?.last?.type, called?.last?.isMine, called?.last?.actor.userId],
      ['Ana', 'party.called', false, 'eva'],
    );
    venue.add({ name: 'Di' });
    await until('the name is read', () => names(part(line, 'waiting')).join() === 'Bo,Di');
    venue.act('restore', ana.id, { kind: 'staff', userId: 'eva' });
    await until('she is back', () => names(part(line, 'waiting')).join() === 'Bo,Ana,Di');
  });

  it('is live once every queue is read, and drops those that were deleted meanwhile', async (t) => {
    const venue = new FakeVenue(['tables', 'bar']);
    venue.add({ name: 'Ana' });
    venue.add({ queueId: 'bar', name: 'Bo' });
    const first = await stand(t, venue);
    await first.live();
    assert.deepEqual(names(part(first.line, 'waiting', 1)), ['Bo']);
    await first.saved();
    first.close();
    venue.deleteQueue('bar');
    first.network.cut();
    const second = await first.again();
    assert.equal(second.line.getSnapshot().queues.length, 2, 'as last known');
    first.network.restore();
    await second.live();
    assert.deepEqual(
      second.line.getSnapshot().queues.map(({ queue }) => queue.id),
      ['tables'],
    );
  });

  it('reads the name of a guest again if that has failed', async (t) => {
    const venue = new FakeVenue();
    const { line, live, network } = await stand(t, venue);
    await live();
    let failures = 2;
    network.onCall = async (operation) => {
      if (operation !== 'getParty' || failures === 0) return 'deliver';
      failures -= 1;
      throw new TypeError('Failed to fetch');
    };
    venue.add({ name: 'Ana' });
    venue.add({ name: 'Bo' });
    await until('the names are read', () => names(part(line, 'waiting')).join() === 'Ana,Bo');
  });

  it('shows the occupancy of the server when the stream left out what was reversed at once', async (t) => {
    const venue = new FakeVenue();
    const { line, live } = await stand(t, venue);
    await live();
    const { handle } = venue;
    // Somebody else counts one out right after it.
    venue.handle = (operation, ...given) =>
      operation === 'changeOccupancy'
        ? { status: 200, body: { ...venue.occupancyView(), occupancy: 1 } }
        : handle.call(venue, operation, ...given);
    await taken(line.press({ kind: 'count', delta: 1 })).saved;
    await until('nobody is inside', () => {
      const { queued, occupancy } = line.getSnapshot();
      return queued === 0 && occupancy?.occupancy === 0;
    });
  });

  it('keeps rows that have not changed', async (t) => {
    const venue = new FakeVenue();
    for (const name of ['Ana', 'Bo', 'Cy']) venue.add({ name });
    const { line, live } = await stand(t, venue);
    await live();
    const before = part(line, 'waiting');
    venue.act('leave', before[0]?.id as string);
    await until('Ana has left', () => part(line, 'waiting').length === 2);
    assert.deepEqual(names(before), ['Ana', 'Bo', 'Cy']);
    assert.equal(part(line, 'waiting')[0], before[1]);
    assert.equal(part(line, 'ended')[0]?.name, 'Ana');
  });

  it('keeps what changes on the device', async (t) => {
    const venue = new FakeVenue();
    const ana = venue.add({ name: 'Ana' });
    venue.add({ name: 'Bo' });
    const first = await stand(t, venue);
    await first.live();
    await first.saved();
    venue.act('leave', ana.id);
    for (let rounds = 0; !(await first.kept()).includes('Late'); rounds += 1) {
      assert.ok(rounds < 200, 'the change is not kept');
      venue.add({ name: 'Late' });
      await tick();
    }
    first.close();
    first.network.cut();
    const second = await first.again();
    assert.deepEqual(names(part(second.line, 'waiting')).slice(0, 2), ['Bo', 'Late']);
    assert.deepEqual(names(part(second.line, 'ended')), ['Ana']);
  });

  it('keeps all of the line again when its changes could not be kept', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const { store, live, saved, kept } = await stand(t, venue);
    await live();
    await saved();
    await store.forget(rui);
    for (let rounds = 0; !(await kept()).includes('Ana'); rounds += 1) {
      assert.ok(rounds < 200, 'the line is not kept again');
      venue.add({ name: 'Late' });
      await tick();
    }
  });

  it('knows the last thousand of those whose visit has ended', async (t) => {
    const venue = new FakeVenue();
    const { line, live } = await stand(t, venue);
    await live();
    for (let party = 0; party < 1_003; party += 1) {
      venue.now += 1_000;
      venue.act('leave', venue.add({ name: `Guest ${party}` }).id);
    }
    const isLast = () => part(line, 'ended')[0]?.id === [...venue.parties.keys()].at(-1);
    await until('all have left', () => part(line, 'waiting').length === 0 && isLast());
    assert.equal(part(line, 'ended').length, 1_000);
  });

  it('reads a long line page by page, and again after a gap', async (t) => {
    const venue = new FakeVenue();
    for (let party = 0; party < 350; party += 1) venue.add({ name: `Guest ${party}` });
    const { line, live, network } = await stand(t, venue);
    await live();
    assert.equal(part(line, 'waiting').length, 350);
    assert.equal(part(line, 'waiting')[349]?.name, 'Guest 349');
    network.cut();
    await until('it is offline', () => line.getSnapshot().connection === 'offline');
    for (const id of venue.order().slice(0, 50)) venue.act('leave', id);
    for (let party = 0; party < 30; party += 1) venue.add({ name: `Late ${party}` });
    network.restore();
    await live();
    await until('all names are read', () => part(line, 'waiting').every(({ isRead }) => isRead));
    assert.deepEqual(
      part(line, 'waiting').map(({ id }) => id),
      venue.order(),
    );
  });
});

describe('a device that says that it is offline', () => {
  it('has no live line because of what was still on its way', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const network = new Network(venue, rui);
    const device = new Device(() => venue.now);
    const host = device.host();
    let say = (_isOffline: boolean) => {};
    device.host = () => ({
      ...host,
      onWake(listener) {
        say = listener;
        return () => {};
      },
    });
    const arrived = Promise.withResolvers<void>();
    const isLast = Promise.withResolvers<void>();
    const { call } = network.api;
    network.api.call = (async (...given: Parameters<typeof call>) => {
      const answer = await call(...given);
      const { lane } = (given[1] as { query?: { lane?: string } }).query ?? {};
      if (given[0] === 'listParties' && lane === 'regular') {
        isLast.resolve();
        await arrived.promise;
      }
      return answer;
    }) as typeof call;
    const { line, live } = await stand(t, venue, { network, device });
    await isLast.promise;
    network.isCut = true;
    say(true);
    assert.equal(line.getSnapshot().connection, 'offline');
    const seen = new Set<string>();
    const stop = line.subscribe(() => seen.add(line.getSnapshot().connection));
    arrived.resolve();
    for (let ticks = 0; ticks < 10; ticks += 1) await tick();
    stop();
    assert.deepEqual([...seen], ['offline']);
    network.restore();
    say(false);
    await live();
  });
});

describe('a press', () => {
  it('shows at once and takes the answer of the server', async (t) => {
    const venue = new FakeVenue();
    const ana = venue.add({ name: 'Ana', size: 2 });
    const { line, live, idle } = await stand(t, venue);
    await live();
    const { key } = part(line, 'waiting')[0] as Row;
    taken(line.press({ kind: 'call', party: key }));
    assert.deepEqual(
      part(line, 'called').map(({ name, isPending, calls }) => [name, isPending, calls]),
      [['Ana', true, 1]],
    );
    taken(line.press({ kind: 'seat', party: key }));
    assert.deepEqual(names(part(line, 'seated')), ['Ana']);
    assert.equal(line.getSnapshot().occupancy?.occupancy, 2);
    await idle();
    assert.deepEqual(
      [venue.parties.get(ana.id)?.state, part(line, 'seated')[0]?.isPending],
      ['seated', false],
    );
    assert.equal(line.getSnapshot().occupancy?.occupancy, 2);
  });

  it('calls the next party that fits', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana', size: 2 });
    venue.add({ name: 'Bo', size: 6 });
    venue.add({ name: 'Cy', size: 4, lane: 'priority' });
    const { line, live } = await stand(t, venue);
    await live();
    const next = (given: object) => line.press({ kind: 'callNext', queueId: 'tables', ...given });
    assert.equal(taken(next({ minSize: 5 })).before?.name, 'Bo');
    assert.equal(taken(next({ lane: 'regular' })).before?.name, 'Ana');
    assert.equal(next({ maxSize: 3 }), 'nobody-waiting');
    assert.equal(taken(next({})).before?.name, 'Cy');
    assert.equal(next({}), 'nobody-waiting');
  });

  it('moves a party among those that wait, and between lanes', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Vip', lane: 'priority' });
    for (const name of ['Ana', 'Bo', 'Cy']) venue.add({ name });
    const { line, live, idle } = await stand(t, venue);
    await live();
    const move = (name: string, position: number) =>
      taken(line.press({ kind: 'move', party: keyOf(line, name), position, reason: 'wheelchair' }));
    move('Cy', 2);
    assert.deepEqual(names(part(line, 'waiting')), ['Vip', 'Cy', 'Ana', 'Bo']);
    move('Ana', 4);
    assert.deepEqual(names(part(line, 'waiting')), ['Vip', 'Cy', 'Bo', 'Ana']);
    move('Bo', 1);
    assert.deepEqual(names(part(line, 'waiting')), ['Bo', 'Vip', 'Cy', 'Ana']);
    assert.equal(part(line, 'waiting')[0]?.lane, 'priority');
    await idle();
    assert.deepEqual(names(part(line, 'waiting')), ['Bo', 'Vip', 'Cy', 'Ana']);
    assert.deepEqual(
      part(line, 'waiting').map(({ id }) => id),
      venue.order(),
    );
  });

  it('follows a party that was added here, whose row keeps its key', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const { line, live, idle, network } = await stand(t, venue);
    await live();
    network.cut();
    const at = new Date(venue.now).toISOString();
    const added = taken(line.press({ kind: 'add', queueId: 'tables', name: 'Bo', size: 3 }));
    const key = added.party as string;
    venue.now += 600_000;
    assert.equal(line.row(key)?.number, null);
    taken(line.press({ kind: 'edit', party: key, changes: { notes: 'window' } }));
    taken(line.press({ kind: 'call', party: key }));
    taken(line.press({ kind: 'seat', party: key }));
    assert.equal(line.getSnapshot().queued, 4);
    network.restore();
    await idle();
    const row = line.row(key);
    assert.deepEqual([row?.key, row?.state, row?.number, row?.notes], [key, 'seated', 2, 'window']);
    assert.equal(venue.parties.size, 2);
    assert.equal(venue.parties.get(row?.id ?? '')?.joinedAt, at);
  });
});

describe('undo', () => {
  it('takes back every press, acknowledged or not', async (t) => {
    const venue = new FakeVenue();
    venue.capacity = 10;
    for (const name of ['Ana', 'Bo']) venue.add({ name, size: 2 });
    const { line, live, idle } = await stand(t, venue);
    await live();
    const ana = keyOf(line, 'Ana');
    const shown = () => {
      const { occupancy } = line.getSnapshot();
      return (['waiting', 'called', 'seated', 'ended'] as const)
        .map((of) =>
          part(line, of)
            .map((row) => `${row.name} ${row.size} ${row.calls} ${row.notes}`)
            .join(),
        )
        .concat(String(occupancy?.occupancy));
    };
    const presses = [
      () => line.press({ kind: 'call', party: ana }),
      () => line.press({ kind: 'seat', party: ana }),
      () => line.press({ kind: 'depart', party: ana }),
      () => line.press({ kind: 'restore', party: ana }),
      () => line.press({ kind: 'move', party: ana, position: 2, reason: 'stroller' }),
      () => line.press({ kind: 'edit', party: ana, changes: { size: 5, notes: 'late' } }),
      () => line.press({ kind: 'remove', party: ana }),
      () => line.press({ kind: 'count', delta: 3 }),
    ];
    for (const press of presses) {
      for (const isAcknowledged of [true, false]) {
        const before = shown();
        const pressed = taken(press());
        const after = shown();
        assert.notDeepEqual(after, before);
        if (isAcknowledged) await idle();
        assert.deepEqual(shown(), after);
        taken(line.undo(pressed));
        assert.deepEqual(shown(), before);
        await idle();
        assert.deepEqual(shown(), before);
      }
      taken(press());
      await idle();
    }
    assert.equal(venue.occupancy, 3);
  });

  it('takes back an added party', async (t) => {
    const venue = new FakeVenue();
    const { line, live, idle, network } = await stand(t, venue);
    await live();
    const added = () => taken(line.press({ kind: 'add', queueId: 'tables', name: 'Ana' }));
    const first = added();
    await idle();
    taken(line.undo(first));
    assert.deepEqual(part(line, 'waiting'), []);
    await idle();
    assert.deepEqual(venue.order(), []);
    network.cut();
    const second = added();
    await second.saved;
    await taken(line.undo(second)).saved;
    network.restore();
    await idle();
    assert.equal(venue.parties.size, 1, 'the second was never sent');
  });

  it('is refused once another press on the party has followed', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const { line, live, network } = await stand(t, venue);
    await live();
    network.cut();
    const called = taken(line.press({ kind: 'call', party: keyOf(line, 'Ana') }));
    taken(line.press({ kind: 'seat', party: keyOf(line, 'Ana') }));
    assert.equal(line.undo(called), 'invalid-transition');
  });
});

describe('without network', () => {
  it('opens with the last known line and keeps presses over a reload', async (t) => {
    const venue = new FakeVenue();
    for (const name of ['Ana', 'Bo']) venue.add({ name });
    const first = await stand(t, venue);
    await first.live();
    await first.saved();
    first.network.cut();
    await taken(first.line.press({ kind: 'call', party: keyOf(first.line, 'Ana') })).saved;
    await taken(first.line.press({ kind: 'add', queueId: 'tables', name: 'Cy' })).saved;
    first.close();

    const second = await first.again();
    await until('it is offline', () => second.line.getSnapshot().connection === 'offline');
    const { asOf, queued } = second.line.getSnapshot();
    assert.ok(asOf !== null);
    assert.equal(queued, 2);
    assert.deepEqual(names(part(second.line, 'called')), ['Ana']);
    assert.deepEqual(names(part(second.line, 'waiting')), ['Bo', 'Cy']);
    taken(second.line.press({ kind: 'seat', party: keyOf(second.line, 'Cy') }));
    first.network.restore();
    await second.idle();
    await second.live();
    assert.deepEqual(
      [...venue.parties.values()].map(({ name, state }) => [name, state]),
      [
        ['Ana', 'called'],
        ['Bo', 'waiting'],
        ['Cy', 'seated'],
      ],
    );
  });

  it('repeats a press whose answer was lost, once', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const { line, live, idle, network } = await stand(t, venue);
    await live();
    let losses = 3;
    network.onCall = async (operation) =>
      operation !== 'getParty' && losses-- > 0 ? 'lose-answer' : 'double';
    taken(line.press({ kind: 'call', party: keyOf(line, 'Ana') }));
    taken(line.press({ kind: 'add', queueId: 'tables', name: 'Bo' }));
    taken(line.press({ kind: 'count', delta: 2 }));
    await idle();
    assert.deepEqual(
      venue.done.map(({ operation }) => operation),
      ['callParty', 'addParty', 'changeOccupancy'],
    );
    assert.deepEqual([venue.parties.size, venue.occupancy], [2, 2]);
    assert.deepEqual(line.getSnapshot().conflicts, []);
  });

  it('recognises its own change after the server has forgotten the key', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const { line, live, idle, network } = await stand(t, venue);
    await live();
    network.onCall = async () => 'lose-answer';
    taken(line.press({ kind: 'call', party: keyOf(line, 'Ana') }));
    await until('it has happened', () => venue.done.length === 1);
    network.cut();
    venue.now += 25 * 60 * 60_000;
    venue.forgetKeys();
    network.onCall = async () => 'deliver';
    network.restore();
    await idle();
    assert.deepEqual(line.getSnapshot().conflicts, []);
    assert.equal([...venue.parties.values()][0]?.calls, 1);
  });

  it('sends the presses of an account only for it', async (t) => {
    const venue = new FakeVenue();
    venue.add({ name: 'Ana' });
    const first = await stand(t, venue);
    await first.live();
    first.network.cut();
    await taken(first.line.press({ kind: 'call', party: keyOf(first.line, 'Ana') })).saved;
    first.close();
    const eva = await first.again('eva');
    await eva.live();
    assert.deepEqual(
      [eva.line.getSnapshot().queued, names(part(eva.line, 'waiting'))],
      [0, ['Ana']],
    );
    assert.deepEqual(venue.done, []);
    assert.deepEqual([await eva.store.pressesOf(rui), await eva.store.pressesOf('eva')], [1, 0]);
    await eva.store.forget(rui);
    assert.equal(await eva.store.pressesOf(rui), 0);
  });
});

describe('two tabs of a device', () => {
  it('show the same presses and send each once', async (t) => {
    const venue = new FakeVenue();
    for (const name of ['Ana', 'Bo']) venue.add({ name });
    const one = await stand(t, venue);
    await one.live();
    const other = await one.again();
    await other.live();
    one.network.cut();
    const added = taken(one.line.press({ kind: 'add', queueId: 'tables', name: 'Cy' }));
    await added.saved;
    await until('the other tab shows it', () => part(other.line, 'waiting').length === 3);
    await taken(other.line.press({ kind: 'call', party: keyOf(other.line, 'Cy') })).saved;
    await taken(one.line.press({ kind: 'seat', party: keyOf(one.line, 'Bo') })).saved;
    await until('both show all', () => part(one.line, 'called').length === 1);
    one.network.restore();
    await one.idle();
    await other.idle();
    for (const { line, live } of [one, other]) {
      await live();
      assert.deepEqual(
        [names(part(line, 'waiting')), names(part(line, 'called')), names(part(line, 'seated'))],
        [['Ana'], ['Cy'], ['Bo']],
      );
    }
    assert.equal(venue.done.length, 3);
  });
});

describe('a refused press', () => {
  /** Ana was seated by somebody else while the stand was offline. */
  async function seatedElsewhere(t: TestContext) {
    const venue = new FakeVenue();
    const ana = venue.add({ name: 'Ana' });
    venue.add({ name: 'Bo' });
    const opened = await stand(t, venue);
    const { line, live, network } = opened;
    await live();
    network.cut();
    const key = keyOf(line, 'Ana');
    taken(line.press({ kind: 'call', party: key }));
    taken(line.press({ kind: 'noShow', party: key }));
    taken(line.press({ kind: 'call', party: keyOf(line, 'Bo') }));
    venue.act('seat', ana.id, { kind: 'staff', userId: 'eva' });
    network.restore();
    await until('it is refused', () => line.getSnapshot().conflicts.length === 1);
    await opened.idle();
    return { ...opened, venue, ana, key };
  }

  it('is shown with both versions, and holds up only its own party', async (t) => {
    const { line, venue, key } = await seatedElsewhere(t);
    const [conflict] = line.getSnapshot().conflicts;
    assert.deepEqual(
      [
        conflict?.press.action.kind,
        conflict?.press.saw?.state,
        conflict?.press.refusal?.code,
        conflict?.press.refusal?.now?.state,
        conflict?.behind.map(({ action }) => action.kind),
        conflict && canRepeat(conflict),
      ],
      ['call', 'waiting', 'party-changed', 'seated', ['noShow'], false],
    );
    assert.deepEqual(
      [line.row(key)?.state, line.row(key)?.conflictId],
      ['seated', conflict?.press.id],
    );
    assert.equal([...venue.parties.values()][1]?.state, 'called');
  });

  it('is kept over a reload until the host drops it', async (t) => {
    const { close, again, venue, ana } = await seatedElsewhere(t);
    close();
    const { line, live, store } = await again();
    await live();
    const [conflict] = line.getSnapshot().conflicts;
    assert.equal(conflict?.behind.length, 1);
    await line.resolve(conflict?.press.id ?? '', 'drop');
    assert.deepEqual(line.getSnapshot().conflicts, []);
    assert.equal(await store.pressesOf(rui), 0);
    assert.equal(venue.parties.get(ana.id)?.state, 'seated');
  });

  it('is done anyway if the host says so', async (t) => {
    const { line, venue, ana, idle } = await seatedElsewhere(t);
    venue.act('restore', ana.id, { kind: 'staff', userId: 'eva' });
    const [conflict] = line.getSnapshot().conflicts;
    await line.resolve(conflict?.press.id ?? '', 'repeat');
    await until(
      'it is refused again',
      () => line.getSnapshot().conflicts[0]?.press.refusal?.now?.state === 'waiting',
    );
    await line.resolve(conflict?.press.id ?? '', 'repeat');
    await until('it is done', () => line.getSnapshot().conflicts.length === 0);
    await idle();
    assert.equal(venue.parties.get(ana.id)?.state, 'no_show');
  });

  it('is sent again by itself if what changed does not matter for it', async (t) => {
    const venue = new FakeVenue();
    const ana = venue.add({ name: 'Ana' });
    const { line, live, idle, network } = await stand(t, venue);
    venue.act('call', ana.id, { kind: 'staff', userId: 'eva' });
    await live();
    network.cut();
    taken(line.press({ kind: 'edit', party: keyOf(line, 'Ana'), changes: { notes: 'window' } }));
    taken(line.press({ kind: 'seat', party: keyOf(line, 'Ana') }));
    venue.act('confirm', ana.id);
    network.restore();
    await idle();
    assert.deepEqual(line.getSnapshot().conflicts, []);
    const { state, notes, confirmedAt } = venue.parties.get(ana.id) as NonNullable<
      ReturnType<typeof venue.parties.get>
    >;
    assert.deepEqual([state, notes, confirmedAt !== null], ['seated', 'window', true]);
  });

  it('can go beyond the capacity', async (t) => {
    const venue = new FakeVenue();
    venue.capacity = 2;
    venue.add({ name: 'Ana', size: 2 });
    const { line, live, idle, network } = await stand(t, venue);
    await live();
    assert.equal(line.press({ kind: 'count', delta: 3 }), 'venue-full');
    network.cut();
    await until('it is offline', () => line.getSnapshot().connection === 'offline');
    taken(line.press({ kind: 'seat', party: keyOf(line, 'Ana') }));
    taken(line.press({ kind: 'count', delta: -1 }));
    venue.count(2);
    network.restore();
    await until('it is refused', () => line.getSnapshot().conflicts.length === 1);
    await idle();
    assert.equal(venue.occupancy, 1, 'leaving is counted all the same');
    const [conflict] = line.getSnapshot().conflicts;
    await line.resolve(conflict?.press.id ?? '', 'repeat', { override: true, reason: 'regulars' });
    await idle();
    assert.equal(venue.occupancy, 3);
  });

  it('disappears if the host took it back before', async (t) => {
    const venue = new FakeVenue();
    const ana = venue.add({ name: 'Ana' });
    const { line, live, idle, network } = await stand(t, venue);
    await live();
    network.onCall = async () => {
      network.cut();
      return 'deliver';
    };
    const pressed = taken(line.press({ kind: 'call', party: keyOf(line, 'Ana') }));
    await until('it was tried', () => network.isCut);
    await taken(line.undo(pressed)).saved;
    assert.equal(line.getSnapshot().queued, 2);
    venue.act('leave', ana.id);
    network.onCall = async () => 'deliver';
    network.restore();
    await idle();
    assert.deepEqual(line.getSnapshot().conflicts, []);
    assert.equal(venue.parties.get(ana.id)?.state, 'left');
  });
});
