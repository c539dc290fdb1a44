import type { Secrets } from '../data-folder/secrets.ts';

export interface Service {
  name: string;
  /** The service that it is one more process of. */
  of?: string;
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

/** The same, with so many processes of the position service: position, position-2, … */
export function withPositionProcesses(count: number): Service[] {
  return services.flatMap((service) =>
    service.name === 'position'
      ? Array.from({ length: count }, (_, index) =>
          index === 0
            ? service
            : { ...service, name: `${service.name}-${index + 1}`, of: service.name },
        )
      : [service],
  );
}

/** The variable by which the others find a service: AUTH_SERVICE_URL, … */
export function addressVariable(service: string): string {
  return `${service.toUpperCase()}_SERVICE_URL`;
}
