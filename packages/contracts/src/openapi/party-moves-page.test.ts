import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { partyStates } from '../parties.ts';
import { partyMoves } from '../party-moves.ts';
import { partyMovesPage } from './party-moves-page.ts';

describe('partyMovesPage', () => {
  const page = partyMovesPage();
  const [, diagram = ''] = /```mermaid\n([^`]+)```/.exec(page) ?? [];
  /** Every arrow and name of the diagram, as `from to name`. */
  const arrows = diagram.split('\n').flatMap((line) => {
    const [, from, to, names = ''] = /^ +(\w+) --> (\w+): (.+)$/.exec(line) ?? [];
    return from === undefined ? [] : names.split(', ').map((name) => `${from} ${to} ${name}`);
  });

  const written: Partial<Record<string, string>> = {
    noShow: 'no-show',
    giveUpCall: 'give-up-call',
  };

  it('draws exactly the moves of the table', () => {
    const expected = Object.entries(partyMoves).flatMap(([move, { from, to }]) =>
      from.map((state) => `${state} ${to} ${written[move] ?? move}`),
    );
    assert.deepEqual(arrows.toSorted(), expected.toSorted());
    for (const state of partyStates) assert.ok(diagram.includes(state), state);
  });

  it('states who can make each move', () => {
    assert.match(page, /\| `snooze` \| the guest \| `waiting` \| `waiting` \| `party\.moved` \|/);
    assert.match(page, /\| `no-show` \| a host, a timer \| `called` \| `no_show` \|/);
    assert.equal(page.match(/^\| `/gm)?.length, Object.keys(partyMoves).length);
  });
});
