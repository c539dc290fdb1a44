import type { Secrets } from './secrets.ts';

export interface Service {
  name: string;
  /** Its program; services/<name>/src/main.ts when not given. Relative to the repository's root. */
  main?: string;
  /** Secrets it is given besides the credential for internal calls; no service gets another's. */
  secrets: (keyof Secrets)[];
}

/** Every service of the system; each is started from services/<name>/src/main.ts. */
export const services: Service[] = [
  { name: 'auth', secrets: ['TOKEN_KEYS', 'SESSION_SECRET'] },
  { name: 'user', secrets: ['ACCOUNT_TOKEN_SECRET'] },
  { name: 'queue', secrets: ['TICKET_KEYS'] },
  { name: 'position', secrets: ['TICKET_KEYS'] },
  { name: 'mailer', secrets: [] },
  { name: 'gateway', secrets: [] },
];

/** The variable by which the others find a service: AUTH_SERVICE_URL, … */
export function addressVariable(service: string): string {
  return `${service.toUpperCase()}_SERVICE_URL`;
}
