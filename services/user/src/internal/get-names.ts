import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { getNames as contract } from '@queue-manager/contracts/internal';
import { accountKey } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import type { Store } from '../store/tables.ts';

export const getNames = (deps: Deps) =>
  route(contract, async ({ body }) => {
    const names = await findNames(deps, body.userIds);
    return { names: body.userIds.map((id) => names.get(accountKey(id).pk) ?? null) };
  });

/** Names by key. BatchGetItem rejects duplicate keys, and may return a batch in parts. */
async function findNames(
  { db, tables }: Store,
  userIds: readonly string[],
): Promise<Map<string, string>> {
  const table = tables.users.name;
  const found = new Map<string, string>();
  let keys: Record<string, unknown>[] = [...new Set(userIds)].map(accountKey);
  while (keys.length > 0) {
    const { Responses: responses, UnprocessedKeys: unprocessed } = await db.send(
      new BatchGetCommand({
        RequestItems: {
          [table]: {
            Keys: keys,
            ConsistentRead: true,
            ProjectionExpression: 'pk, #name',
            ExpressionAttributeNames: { '#name': 'name' },
          },
        },
      }),
    );
    for (const { pk, name } of responses?.[table] ?? []) found.set(pk as string, name as string);
    keys = unprocessed?.[table]?.Keys ?? [];
  }
  return found;
}
