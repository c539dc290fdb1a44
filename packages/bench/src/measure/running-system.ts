import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { importJWK, SignJWT } from 'jose';
import { createPool } from 'mysql2/promise';
import { openQueueTables } from './queue-tables.ts';

export type Line = { id: string; joinCode: string };

/** Where calls are made: at a service's own port, or through the gateway as users do. */
export type Door = 'queue service' | 'position service' | 'gateway';

/** The address or credential that the environment of `npm run bench` names. */
export function env(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: use npm run bench`);
  return value;
}

/** The running system with a venue for the benchmark, which belongs to a new account. */
export async function openRunningSystem() {
  const urls: Record<Door, string> = {
    'queue service': env('QUEUE_SERVICE_URL'),
    'position service': env('POSITION_SERVICE_URL').split(',')[0] as string,
    gateway: env('GATEWAY_URL'),
  };
  const mysqlUrl = env('MYSQL_URL');
  const tables = await openQueueTables(mysqlUrl);
  const db = createPool({ uri: mysqlUrl, timezone: 'Z', connectionLimit: 4, jsonStrings: true });
  const headers = await ownerHeaders(env('TOKEN_KEYS'));

  const post = (door: Door, path: string, body: object = {}): Promise<Response> =>
    fetch(`${urls[door]}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });

  async function create(path: string, body: object) {
    const answer = await post('queue service', path, body);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Line;
  }
  const { id: venueId } = await create('/v1/venues', { name: 'Bench', timezone: 'UTC' });

  return {
    urls,
    db,
    headers,
    venueId,
    post,
    fillLine: tables.fillLine,
    /** A queue with a grace time so long that no call becomes a no-show during the benchmark. */
    createLine: () =>
      create(`/v1/venues/${venueId}/queues`, { name: 'Line', callGraceSeconds: 3_600 }),
    /** CPU time that a service has used, in seconds. */
    cpuSeconds: (door: Door) => readMetric(urls[door], 'process_cpu_seconds_total'),
    residentBytes: (door: Door) => readMetric(urls[door], 'process_resident_memory_bytes'),
    async close(): Promise<void> {
      await tables.close();
      await db.end();
    },
  };
}

/** The value of a metric of the process at this address. */
export async function readMetric(url: string, name: string): Promise<number> {
  const answer = await fetch(`${url}/metrics`, {
    headers: { [credentialHeader]: env('INTERNAL_CREDENTIAL') },
  });
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(await answer.text());
  return Number(found?.[1]);
}

/** Headers of calls by a new account, signed with the auth service's keys. */
async function ownerHeaders(tokenKeys: string): Promise<Record<string, string>> {
  const [jwk] = JSON.parse(tokenKeys);
  const token = await new SignJWT({ sid: newId(systemClock) })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid })
    .setIssuer('queue-manager')
    .setAudience('queue-manager')
    .setSubject(newId(systemClock))
    .setIssuedAt()
    .setExpirationTime('4h')
    .sign(await importJWK(jwk, 'ES256'));
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}
