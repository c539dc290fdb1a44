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

/** The first name and the initial of the last: guests recognise themselves, others learn little. */
export function boardLabel(name: string): string {
  const words = name.split(/\s+/);
  const first = words[0] as string;
  const last = words.length > 1 ? words.at(-1) : undefined;
  if (last === undefined) return first;
  const [initial] = [...new Intl.Segmenter().segment(last)].map(({ segment }) => segment);
  return `${first} ${initial?.toUpperCase()}.`;
}
