import { z } from 'zod';
import type { Contract } from './contract.ts';

/** A route that the gateway answers itself instead of forwarding it. */
export type GatewayContract = Omit<Contract, 'service'> & { readonly service: 'gateway' };

const getLiveness: GatewayContract = {
  operationId: 'getLiveness',
  summary: 'Whether the process runs',
  service: 'gateway',
  method: 'GET',
  url: '/livez',
  auth: 'public',
  rateLimit: 'address',
  schema: {},
  status: 200,
  response: z.object({ status: z.literal('alive') }),
  problems: [],
};

const getReadiness: GatewayContract = {
  operationId: 'getReadiness',
  summary: 'Whether every service behind the gateway is ready',
  service: 'gateway',
  method: 'GET',
  url: '/readyz',
  auth: 'public',
  rateLimit: 'address',
  schema: {},
  status: 200,
  response: z.object({ status: z.literal('ready') }),
  problems: [],
};

/** Every route of the gateway's own, documented beside those that it forwards. */
export const gatewayContracts: readonly GatewayContract[] = [getLiveness, getReadiness];
