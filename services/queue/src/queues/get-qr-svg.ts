import { getQrSvg as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { toString as qrToString } from 'qrcode';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { joinUrlOf } from './queue-view.ts';

export const getQrSvg = (deps: Deps) =>
  route(contract, async function getQrSvg({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    return qrToString(joinUrlOf(deps, queue.join_code), { type: 'svg' });
  });
