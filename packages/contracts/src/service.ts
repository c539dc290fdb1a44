import { z } from 'zod';
import type { Contract } from './contract.ts';

/** A route that the gateway handles itself instead of forwarding it. */
export type GatewayContract = Omit<Contract, 'service'> & { readonly service: 'gateway' };

const getLiveness: GatewayContract = {
  operationId: 'getLiveness',
  summary: 'Check that the process is running',
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
  summary: 'Check that every service behind the gateway is ready',
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

/** The gateway's own routes, documented beside those that it forwards. */
export const gatewayContracts: readonly GatewayContract[] = [getLiveness, getReadiness];
