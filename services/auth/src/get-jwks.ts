import { getJwks as contract } from '@queue-manager/contracts/tokens';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';

export const getJwks = ({ keyRing }: Deps) =>
  route(contract, async (_, reply) => {
    reply.header('cache-control', 'public, max-age=300');
    return keyRing.jwks;
  });
