import type { Secrets } from '../data-folder/secrets.ts';

export interface Service {
  name: string;
  /** The service that this is an additional process of. */
  of?: string;
  /** Its program, relative to the repository's root; default services/<name>/src/main.ts. */
  main?: string;
  /** The secrets it gets besides the credential for internal calls. */
  secrets: (keyof Secrets)[];
}

/** Every service of the system. */
export const services: Service[] = [
  { name: 'auth', secrets: ['TOKEN_KEYS', 'SESSION_SECRET'] },
  { name: 'user', secrets: ['ACCOUNT_TOKEN_SECRET'] },
  { name: 'queue', secrets: ['TICKET_KEYS', 'UNSUBSCRIBE_KEY'] },
  { name: 'position', secrets: ['TICKET_KEYS'] },
  { name: 'mailer', secrets: [] },
  { name: 'broker', secrets: [] },
  { name: 'forwarder', secrets: [] },
  { name: 'gateway', secrets: [] },
];

/** All services, with several processes of the position service: position, position-2, … */
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

/** The variable with a service's addresses: AUTH_SERVICE_URL, … */
export function addressVariable(service: string): string {
  return `${service.toUpperCase()}_SERVICE_URL`;
}
