import { accountKey, updateMe as contract } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { commit } from '../outbox/outbox.ts';
import { accountDeleted, requireAccount, toUser } from '../store/accounts.ts';

export const updateMe = (deps: Deps) =>
  route(contract, async ({ body, claims }) => {
    // Writes only the fields in the body, so that concurrent changes of different fields both persist.
    const fields = Object.entries(body).filter(([, value]) => value !== undefined);
    if (fields.length > 0) {
      const refused = await commit(deps, {
        account: {
          Update: {
            TableName: deps.tables.users.name,
            Key: accountKey(claims.sub),
            UpdateExpression: `SET ${fields.map(([field]) => `#${field} = :${field}`).join(', ')}`,
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeNames: Object.fromEntries(
              fields.map(([field]) => [`#${field}`, field]),
            ),
            ExpressionAttributeValues: Object.fromEntries(
              fields.map(([field, value]) => [`:${field}`, value]),
            ),
          },
        },
      });
      if (refused.length > 0) throw accountDeleted();
    }
    return toUser(await requireAccount(deps, claims));
  });
