import { getQrSvg as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { joinUrlOf } from '../access/guest-links.ts';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { qrCodes } from './qr-codes.ts';

export const getQrSvg = (deps: Deps) =>
  route(contract, async function getQrSvg({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    return qrCodes.svg(joinUrlOf(deps, queue.join_code));
  });
