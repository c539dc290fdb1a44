import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { before, describe, it } from 'node:test';
import { type Contract, pathOf } from '@queue-manager/contracts/contract';
import * as internal from '@queue-manager/contracts/internal';
import { publicContracts } from '@queue-manager/contracts/registry';
import { gatewayContracts } from '@queue-manager/contracts/service';
import { limits } from '@queue-manager/contracts/values';
import { testEnv } from '@queue-manager/service-kit/testing';
import { openAccount } from './support/accounts.ts';
import { gatewayUrl, problemOf, send } from './support/system.ts';

/** Ids and tokens that do not exist. */
const unknownParams = {
  venueId: randomUUID(),
  queueId: randomUUID(),
  partyId: randomUUID(),
  taskId: randomUUID(),
  invitationId: randomUUID(),
  keyId: randomUUID(),
  sessionId: randomUUID(),
  userId: randomUUID(),
  joinCode: 'NOSUCHCODE',
  ticket: 'A'.repeat(66),
};

const internalContracts: Contract[] = Object.values(internal).flatMap((value) =>
  'auth' in value && value.auth === 'internal' ? [value as Contract] : [],
);

describe('every route', () => {
  let token: string;
  before(async () => {
    ({ token } = await openAccount());
  });

  /** The answer to a caller without credentials. */
  function expectedOf({ auth, schema, operationId }: Contract): string[] {
    // A missing body is refused before the ticket is checked.
    const needsBody = schema.body?.safeParse(undefined).success === false;
    if (auth === 'ticket') return [needsBody ? 'validation-failed' : 'not-found'];
    if (auth !== 'public' || operationId === 'refresh') return ['unauthenticated'];
    if (operationId === 'getJwks') return ['success'];
    // Refused for the missing body or for the code in the address.
    if (schema.body !== undefined) return ['validation-failed', 'not-found'];
    return ['not-found'];
  }

  for (const contract of publicContracts) {
    const { method, operationId, status } = contract;
    const path = pathOf(contract, unknownParams);

    it(`${method} ${contract.url} answers an anonymous caller as its contract states`, async () => {
      const answer = await send(method, path);
      const said = answer.status === status ? 'success' : problemOf(answer).code;
      assert.ok(expectedOf(contract).includes(said), `${operationId} answered ${said}`);
    });

    if (contract.auth === 'public' || contract.auth === 'ticket') continue;

    it(`${method} ${contract.url} refuses an invalid token`, async () => {
      for (const madeUp of [
        'nonsense',
        `${token.slice(0, -4)}AAAA`,
        token.replace(/^[^.]+/, 'e30'),
      ]) {
        const answer = await send(method, path, { token: madeUp });
        assert.equal(answer.status, 401);
        assert.equal(problemOf(answer).code, 'unauthenticated');
      }
    });

    // The venue is that of the API key.
    if (['user', 'session', 'key'].includes(contract.auth)) continue;

    it(`${method} ${contract.url} answers 404 for resources of others`, async () => {
      const answer = await send(method, path, { token });
      const { code } = problemOf(answer);
      // The missing body may be refused first.
      const body = contract.schema.body;
      const mayRefuseBody = body !== undefined && !body.safeParse(undefined).success;
      assert.ok(code === 'not-found' || (mayRefuseBody && code === 'validation-failed'), code);
    });
  }
});

describe('an internal route', () => {
  for (const contract of internalContracts) {
    it(`${contract.method} ${contract.url} cannot be reached, even with the internal credential`, async () => {
      const headers = { 'x-internal-credential': testEnv('INTERNAL_CREDENTIAL') };
      const path = pathOf(contract, unknownParams);
      const answer = await send(contract.method, path, { headers });
      assert.equal(answer.status, 404);
      assert.equal(problemOf(answer).code, 'not-found');
    });
  }

  it('GET /metrics requires the internal credential', async () => {
    const answer = await send('GET', '/metrics');
    assert.equal(answer.status, 401);
    assert.equal(problemOf(answer).code, 'unauthenticated');
  });

  it('cannot be reached by an unnormalised path', async () => {
    const headers = { 'x-internal-credential': testEnv('INTERNAL_CREDENTIAL') };
    const { userId, queueId } = unknownParams;
    for (const path of [
      `/v1/positions/..%2f..%2finternal%2fqueues%2f${queueId}%2fsnapshot`,
      `/v1/tickets/%2e%2e/%2e%2e/internal/users/${userId}`,
      `/v1/tickets/../../internal/users/${userId}`,
      `//internal/users/${userId}`,
      `/v1/join/..%5c..%5cinternal%5cusers%5c${userId}`,
      `/v1/join/x%3f/../../../internal/users/${userId}`,
    ]) {
      assert.equal(await statusOfRaw(path, headers), 404, path);
    }
  });
});

/** Sends the path unchanged; `fetch` would normalise it. */
async function statusOfRaw(path: string, headers: Record<string, string>): Promise<number> {
  const { hostname: host, port } = new URL(gatewayUrl);
  const asked = request({ host, port, path, headers }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode ?? 0;
}

describe('a route that does not exist', () => {
  it('answers 404', async () => {
    const answer = await send('POST', '/v1/subscribe');
    assert.equal(answer.status, 404);
    assert.equal(problemOf(answer).code, 'not-found');
  });

  it('is not in the OpenAPI, which lists exactly the public routes', async () => {
    const answer = await send('GET', '/openapi.json');
    assert.equal(answer.status, 200);
    const openapi = answer.json() as {
      openapi: string;
      paths: Record<string, Record<string, { operationId?: string }>>;
    };
    assert.match(openapi.openapi, /^3\.1\./);
    const written = Object.entries(openapi.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`,
      ),
    );
    const stated = [...publicContracts, ...gatewayContracts].map(
      ({ method, url, operationId }) =>
        `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')} ${operationId}`,
    );
    assert.deepEqual(written.toSorted(), stated.toSorted());
  });
});

describe('an invalid request', () => {
  const url = '/v1/users';

  it('with another media type gets 415', async () => {
    const headers = { 'content-type': 'text/plain' };
    const answer = await send('POST', url, { body: 'name=Ana', headers });
    assert.equal(answer.status, 415);
    assert.equal(problemOf(answer).code, 'unsupported-media-type');
  });

  it('that is too large gets 413, with and without Content-Length', async () => {
    const body = { name: 'x'.repeat(limits.bodyBytes) };
    const answer = await send('POST', url, { body });
    assert.equal(answer.status, 413);
    assert.equal(problemOf(answer).code, 'payload-too-large');
  });

  it('that is not JSON gets an error for the body', async () => {
    const answer = await send('POST', url, { body: '{"name":' });
    assert.equal(answer.status, 400);
    assert.deepEqual(
      problemOf(answer).errors?.map(({ path }) => path),
      ['body'],
    );
    for (const body of ['[]', '"text"', 'null', '7']) {
      assert.equal((await send('POST', url, { body })).status, 400, body);
    }
  });

  it('gets all field errors at once', async () => {
    const answer = await send('POST', url, { body: { name: '', email: 'x', password: 'short' } });
    assert.deepEqual(
      problemOf(answer)
        .errors?.map(({ path }) => path)
        .toSorted(),
      ['email', 'name', 'password'],
    );
  });

  it('to an unknown path gets 404, also below a known one', async () => {
    for (const path of ['/j', '/v1', '/v2/users', '/v1/users/', '/v1/users/me/none']) {
      const answer = await send('GET', path);
      assert.ok([404, 405].includes(answer.status), path);
      problemOf(answer);
    }
  });

  it('gets a request id, its own if valid', async () => {
    const own = await send('GET', '/v1/none', { headers: { 'x-request-id': 'abc-123' } });
    assert.equal(problemOf(own).requestId, 'abc-123');
    const bad = await send('GET', '/v1/none', { headers: { 'x-request-id': 'a b{c}' } });
    assert.notEqual(problemOf(bad).requestId, 'a b{c}');
  });
});

describe('the gateway', () => {
  it('is live and ready', async () => {
    for (const path of ['/livez', '/readyz']) {
      assert.equal((await send('GET', path)).status, 200, path);
    }
  });

  it('serves the documentation', async () => {
    let answer = await send('GET', '/docs');
    const location = answer.headers.get('location');
    if (location !== null)
      answer = await send('GET', new URL(location, 'http://any/docs').pathname);
    assert.equal(answer.status, 200);
    assert.match(answer.text, /swagger-ui/);
  });

  it('sends security headers, and allows the web apps by CORS', async () => {
    const plain = await send('GET', '/livez');
    assert.equal(plain.headers.get('x-content-type-options'), 'nosniff');
    const origin = 'http://localhost:3000';
    const preflight = await send('OPTIONS', '/v1/users', {
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    assert.ok(preflight.status === 204 || preflight.status === 200);
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    const stranger = await send('GET', '/livez', { headers: { origin: 'https://evil.example' } });
    assert.notEqual(stranger.headers.get('access-control-allow-origin'), 'https://evil.example');
  });
});
