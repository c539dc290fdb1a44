import { type PartyState, partyStates } from './parties.ts';
import { ended, inLine, type PartyMove, partyMoves } from './party-moves.ts';

const moves = Object.entries(partyMoves) as [PartyMove, (typeof partyMoves)[PartyMove]][];

const makers = { staff: 'a host', guest: 'the guest', system: 'a timer' } as const;

/** Names as the addresses of the moves write them. */
const written = (move: PartyMove) => move.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const code = (text: string) => `\`${text}\``;

/** The page of documentation on what may become of a party, as Markdown with a diagram. */
export function partyMovesPage(): string {
  return `${[
    '# Moves of a party',
    'Written by `npm run openapi` from `packages/contracts/src/party-moves.ts`, which the routes, the timers and the tests read too.',
    diagram(),
    `In the line: ${inLine.map(code).join(', ')}. Over: ${ended.map(code).join(', ')}. Every other move is refused with 409 \`invalid-transition\`.`,
    table(),
    '`restore` leads back to exactly the place that the party had; `move` and `snooze` lead to another one.',
  ].join('\n\n')}\n`;
}

/** One arrow for all moves between the same two states; a party begins by joining. */
function diagram(): string {
  const arrows = new Map<string, string[]>();
  for (const [move, { from, to }] of moves) {
    for (const state of from) {
      const arrow = `${state} --> ${to}`;
      arrows.set(arrow, [...(arrows.get(arrow) ?? []), written(move)]);
    }
  }
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...['[*] --> waiting: join'],
    ...Array.from(arrows, ([arrow, names]) => `${arrow}: ${names.join(', ')}`),
    '```',
  ]
    .map((line, index, { length }) => (index < 2 || index === length - 1 ? line : `    ${line}`))
    .join('\n');
}

function table(): string {
  const list = (states: readonly PartyState[]) =>
    partyStates
      .filter((state) => states.includes(state))
      .map(code)
      .join(', ');
  const rows = moves.map(([move, { from, to, event, by }]) => [
    code(written(move)),
    by.map((maker) => makers[maker]).join(', '),
    list(from),
    code(to),
    code(event),
  ]);
  const header = ['move', 'made by', 'from', 'to', 'event'];
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
