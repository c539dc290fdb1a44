import { z } from 'zod';
import type { Contract } from './contract.ts';

/** A route that the gateway handles itself instead of forwarding it. */
export type GatewayContract = Omit<Contract, 'service'> & { readonly service: 'gateway' };

const shared = {
  service: 'gateway',
  method: 'GET',
  auth: 'public',
  rateLimit: 'address',
  schema: {},
  status: 200,
  problems: [],
} as const;

const getLiveness: GatewayContract = {
  ...shared,
  operationId: 'getLiveness',
  summary: 'Check that the process is running',
  url: '/livez',
  response: z.object({ status: z.literal('alive') }),
};

const getReadiness: GatewayContract = {
  ...shared,
  operationId: 'getReadiness',
  summary: 'Check that every service behind the gateway is ready',
  url: '/readyz',
  response: z.object({ status: z.literal('ready') }),
};

/** The gateway's own routes, documented beside those that it forwards. */
export const gatewayContracts: readonly GatewayContract[] = [getLiveness, getReadiness];
