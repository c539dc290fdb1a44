import type { NamedHistoryEvent } from '@queue-manager/contracts/history';
import { numberFormat } from '@queue-manager/ui/formats';
import type { Reader, Translate } from '@queue-manager/ui/text';
import { timeOfDay } from '@queue-manager/ui/words';
import type { texts } from './strings.ts';

/** What an event is told with. */
export type Telling = {
  text: Translate<typeof texts.en>;
  reader: Reader;
  timezone: string;
  /** What the party is called: its name, or its number. */
  party: string;
  /** From where to where the party was moved; `from` is null if nobody knows. */
  move: { from: number | null; to: number } | undefined;
  /** The queue as its last event before this one has left it; null if that is not known. */
  queueBefore: NamedHistoryEvent['queue'];
};

/** What is recorded as joined earlier than this many seconds before its event was dated by staff. */
const datedSeconds = 15;

/** A place in the line as one says it: "7th", "7.º", "7". */
export function placeWords({ language, tag }: Reader, place: number): string {
  const number = numberFormat(tag).format(place);
  if (language === 'en') {
    const suffixes: Record<string, string> = { one: 'st', two: 'nd', few: 'rd' };
    const rule = new Intl.PluralRules('en', { type: 'ordinal' }).select(place);
    return number + (suffixes[rule] ?? 'th');
  }
  return language === 'pt' || language === 'es' ? `${number}.º` : number;
}

/** An event as a sentence: "Rui moved Ana from 7th to 2nd: wheelchair". */
export function eventWords(event: NamedHistoryEvent, telling: Telling): string {
  const told = sentence(event, telling);
  // It may begin with "number 12".
  const what = told.charAt(0).toUpperCase() + told.slice(1);
  // The reasons of the timer are in the words above already.
  const reason = event.actor.kind === 'system' ? null : event.reason;
  return reason === null ? what : telling.text('because', { what, reason });
}

export function actorWords({ actor, actorName }: NamedHistoryEvent, { text, party }: Telling) {
  if (actor.kind === 'guest') return party;
  return actor.kind === 'system' ? text('system') : (actorName ?? text('colleague'));
}

function sentence(event: NamedHistoryEvent, telling: Telling): string {
  const { text, party, reader, timezone } = telling;
  const actor = actorWords(event, telling);
  const kind = event.actor.kind;
  switch (event.type) {
    case 'party.joined': {
      if (kind === 'guest') return text('joinedGuest', { party });
      const joinedAt = event.party?.joinedAt ?? event.time;
      const seconds = (Date.parse(event.time) - Date.parse(joinedAt)) / 1_000;
      if (seconds <= datedSeconds) return text('joinedStaff', { actor, party });
      return text('joinedEarlier', { actor, party, time: timeOfDay(reader, timezone, joinedAt) });
    }
    case 'party.called':
      return text(event.previousState === 'called' ? 'callAgain' : 'call', { actor, party });
    case 'party.confirmed':
      return text('confirm', { party });
    case 'party.moved':
      return moved(event, telling, actor);
    case 'party.changed': {
      const before = event.previousSize ?? null;
      if (before === null || event.party === null) return text('change', { actor, party });
      return text('resize', { actor, party, before, after: event.party.size });
    }
    case 'party.seated':
      return text(event.override ? 'seatOver' : 'seat', { actor, party });
    case 'party.departed':
      return text('depart', { actor, party });
    case 'party.no-show':
      return kind === 'system' ? text('noShowTimer', { party }) : text('noShow', { actor, party });
    case 'party.left':
      return text('leave', { party });
    case 'party.removed':
      return text('remove', { actor, party });
    case 'party.restored':
      return text('restore', { actor, party });
    case 'party.undone':
      return text('undo', { actor, party });
    case 'queue.changed':
      return text(queueChange(event, telling), { actor });
    default:
      return text('other', { actor, party });
  }
}

function moved(event: NamedHistoryEvent, telling: Telling, actor: string): string {
  const { text, party, reader, move } = telling;
  const isSnooze = event.actor.kind === 'guest';
  const to = placeWords(reader, move?.to ?? event.position ?? 1);
  if (move?.from == null) {
    return isSnooze ? text('snoozeTo', { party, to }) : text('moveTo', { actor, party, to });
  }
  const from = placeWords(reader, move.from);
  if (isSnooze) return text('snooze', { party, from, to });
  return text('move', { actor, party, from, to });
}

const queueChanges = { open: 'open', paused: 'pause', closed: 'close' } as const;

function queueChange({ queue, seq }: NamedHistoryEvent, { queueBefore }: Telling) {
  if (queue === null) return 'settings';
  const isOpening = seq === 1 || (queueBefore !== null && queueBefore.state !== queue.state);
  return isOpening ? queueChanges[queue.state] : 'settings';
}
