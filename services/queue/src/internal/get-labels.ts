import { getLabels as contract } from '@queue-manager/contracts/internal';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getLabels = ({ db }: Deps) =>
  route(contract, async function getLabels({ params, body }) {
    if (body.partyIds.length === 0) return { labels: [] };
    const rows = await db
      .selectFrom('personal')
      .select(['party_id', 'name'])
      .where('queue_id', '=', uuidToBytes(params.queueId))
      .where('party_id', 'in', body.partyIds.map(uuidToBytes))
      .execute();
    const names = new Map(rows.map((row) => [bytesToUuid(row.party_id), boardLabel(row.name)]));
    return { labels: body.partyIds.map((partyId) => names.get(partyId) ?? null) };
  });

/** Letters of one name, with what stands between and after them; nothing else is safe on a public screen. */
const oneName = /^\p{L}[\p{L}\p{M}'’\p{Join_Control}-]*\.?$/u;
/** Scripts that write whole names without a space. */
const wholeName = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]{3}/u;

/**
 * The first name and the initial of the last: guests recognise themselves, others learn little. Null where the first
 * name cannot be told, as in a single word, an e-mail address or a phone number.
 */
export function boardLabel(name: string): string | null {
  // "Lima, Ana"
  const [before = '', after = ''] = name.split(/[,،、，]/);
  const words = `${after} ${before}`.split(/\s+/).filter((word) => /\p{L}/u.test(word));
  const [first = '', ...others] = words;
  const last = others.at(-1)?.replace(/^\P{L}+/u, '');
  if (last === undefined || !oneName.test(first) || wholeName.test(first)) return null;
  const [initial] = [...new Intl.Segmenter().segment(last)].map(({ segment }) => segment);
  return `${first} ${initial?.toUpperCase()}.`;
}
