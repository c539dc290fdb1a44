import { getQrPng as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { toBuffer } from 'qrcode';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { joinUrlOf } from './queue-view.ts';

/** In pixels; sharp when printed on a table card. */
const width = 1_024;

export const getQrPng = (deps: Deps) =>
  route(contract, async function getQrPng({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    return toBuffer(joinUrlOf(deps, queue.join_code), { width });
  });
