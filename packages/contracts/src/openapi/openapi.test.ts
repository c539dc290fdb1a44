import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { z } from 'zod';
import { type Contract, contract } from '../contract.ts';
import { publicContracts, publicRoutes } from '../registry.ts';
import { optionalBody } from '../values.ts';
import { mergedOpenApi, openApiDocuments, openApiOf } from './openapi.ts';

type Operation = {
  operationId: string;
  security: unknown[];
  parameters?: { name?: string; in?: string; required?: boolean; $ref?: string }[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<
    string,
    { $ref?: string; description?: string; headers?: Json; content?: Content }
  >;
  'x-required-role'?: string;
};
type Json = Record<string, unknown>;
type Content = Record<string, { schema: Json }>;

const pathOf = (url: string) => url.replace(/:(\w+)/g, '{$1}');

function operation(document: ReturnType<typeof mergedOpenApi>, route: Contract): Operation {
  const found = document.paths[pathOf(route.url)]?.[route.method.toLowerCase()];
  assert.ok(found, `${route.method} ${route.url}`);
  return found as unknown as Operation;
}

const byId = (operationId: string) => {
  const route = publicContracts.find((each) => each.operationId === operationId);
  assert.ok(route);
  return operation(mergedOpenApi(), route);
};

const operationsOf = (paths: ReturnType<typeof mergedOpenApi>['paths']) =>
  Object.values(paths).flatMap((path) => Object.values(path)) as unknown as Operation[];

const schemaOf = (name: string) =>
  (mergedOpenApi().components.schemas as Record<string, Json>)[name] as Json;

describe('openApiDocuments', () => {
  for (const [name, document] of openApiDocuments()) {
    it(`generates a valid OpenAPI 3.1 document for ${name}`, async () => {
      const result = await new Validator().validate(structuredClone(document));
      assert.deepEqual(result, { valid: true });
    });
  }

  it('names each route by its operationId, as the client does', () => {
    for (const [name, { operationId }] of Object.entries(publicRoutes)) {
      assert.equal(name, operationId);
    }
  });

  it('documents each public route in its service document and in the merged one', () => {
    const documents = openApiDocuments();
    for (const route of publicContracts) {
      for (const name of [`${route.service}.json`, 'openapi.json']) {
        const document = documents.get(name);
        assert.ok(document);
        const found = operation(document, route);
        assert.equal(found.operationId, route.operationId);
        assert.ok(found.responses[route.status], `${route.operationId} ${route.status}`);
      }
    }
    const operations = Object.values(mergedOpenApi().paths).flatMap(Object.keys);
    assert.equal(operations.length, publicContracts.length + 2);
  });

  it('omits internal routes', () => {
    assert.ok(!JSON.stringify([...openApiDocuments()]).includes('/internal/'));
  });

  it('states who may call', () => {
    assert.deepEqual(byId('callNext').security, [{ accessToken: [] }]);
    assert.equal(byId('callNext')['x-required-role'], 'host');
    assert.equal(byId('getMe')['x-required-role'], undefined);
    assert.deepEqual(byId('getMe').responses['401'], {
      $ref: '#/components/responses/Unauthenticated',
    });
    assert.deepEqual(byId('refresh').security, [{}, { refreshCookie: [] }]);
    assert.deepEqual(byId('logout').security, [{ accessToken: [] }, { refreshCookie: [] }]);
    for (const operationId of ['getPosition', 'joinQueue', 'signUp']) {
      assert.deepEqual(byId(operationId).security, []);
      assert.equal(byId(operationId).responses['401'], undefined);
    }
  });

  it("lists a route's problems by status", () => {
    const { responses } = byId('joinQueue');
    for (const code of ['queue-full', 'queue-paused', 'queue-closed']) {
      assert.ok(responses['409']?.description?.includes(`\`${code}\``));
    }
    assert.ok(responses['400']?.description?.includes('`validation-failed`'));
    assert.ok(responses['400']?.description?.includes('`party-too-large`'));
    assert.deepEqual(Object.keys(responses), [
      '201',
      ...['400', '403', '404', '405', '409', '413', '415', '422', '429', '500', '503'],
    ]);
  });

  it('documents Idempotency-Key for every POST except those of the auth service', () => {
    for (const route of publicContracts) {
      const refs = operation(mergedOpenApi(), route).parameters?.map((each) => each.$ref) ?? [];
      const isOffered = refs.some((ref) => ref?.includes('IdempotencyKey'));
      const isGuest = route.auth === 'public' || route.auth === 'ticket';
      assert.equal(isOffered, route.method === 'POST' && route.service !== 'auth', route.url);
      if (isOffered)
        assert.equal(
          refs.some((ref) => ref?.endsWith('OfGuest')),
          isGuest,
        );
    }
  });

  it('documents requests as callers send them', () => {
    assert.equal(byId('callNext').requestBody?.required, false);
    assert.equal(byId('addParty').requestBody?.required, true);
    assert.deepEqual(byId('addParty').requestBody?.content['application/json']?.schema, {
      $ref: '#/components/schemas/AddPartyRequest',
    });
    assert.deepEqual(schemaOf('AddPartyRequest').required, ['name']);
    const state = byId('listParties').parameters?.find(({ name }) => name === 'state') as Json;
    assert.deepEqual(state, {
      name: 'state',
      in: 'query',
      required: false,
      description: state.description,
      schema: {
        type: 'string',
        pattern: (state.schema as Json).pattern,
        default: 'waiting,called',
      },
    });
    assert.match('waiting,no_show', new RegExp(String((state.schema as Json).pattern)));
  });

  it('references named schemas and allows new fields in responses', () => {
    assert.deepEqual(byId('getParty').responses['200']?.content?.['application/json']?.schema, {
      $ref: '#/components/schemas/Party',
    });
    const party = schemaOf('Party');
    assert.equal('additionalProperties' in party, false);
    assert.deepEqual((party.properties as Json).estimate, {
      anyOf: [{ $ref: '#/components/schemas/Estimate' }, { type: 'null' }],
    });
    assert.deepEqual(byId('getQrPng').responses['200']?.content, {
      'image/png': { schema: { type: 'string', format: 'binary' } },
    });
  });

  it('names every enum, request body and list', () => {
    const { lane, state } = schemaOf('Party').properties as Json;
    assert.deepEqual(
      [lane, state],
      [{ $ref: '#/components/schemas/Lane' }, { $ref: '#/components/schemas/PartyState' }],
    );
    assert.ok(schemaOf('ListPartiesResponse').properties);
    for (const { paths } of openApiDocuments().values()) {
      for (const { operationId, requestBody, responses } of operationsOf(paths)) {
        const success = responses[Object.keys(responses)[0] as string];
        for (const [type, { schema }] of Object.entries({
          ...requestBody?.content,
          ...success?.content,
        })) {
          assert.equal('$ref' in schema, /json|event-stream/.test(type), operationId);
        }
      }
    }
  });

  it('types the events of streams, and says which resume', () => {
    const { responses, parameters } = byId('liveQueue');
    const { schema, ...rest } = responses['200']?.content?.['text/event-stream'] ?? {};
    assert.deepEqual(schema, { $ref: '#/components/schemas/HistoryEvent' });
    assert.deepEqual((rest as Json)['x-event-names'], ['party', 'queue']);
    assert.ok(responses['200']?.description?.includes('`party` or `queue`'));
    const lastEventId = '#/components/parameters/LastEventId';
    assert.ok(parameters?.some(({ $ref }) => $ref === lastEventId));
    assert.ok(!byId('liveBoard').parameters?.some(({ $ref }) => $ref === lastEventId));
  });

  it('states the headers of responses', () => {
    const headersOf = (operationId: string) =>
      Object.keys(byId(operationId).responses['200']?.headers ?? {});
    const counted = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];
    assert.deepEqual(headersOf('getMe'), ['x-request-id', ...counted]);
    assert.deepEqual(headersOf('exportParties'), [
      'x-request-id',
      ...counted,
      'content-disposition',
    ]);
    const problems = mergedOpenApi().components.responses as Record<string, { headers: Json }>;
    assert.ok(problems.MethodNotAllowed && 'allow' in problems.MethodNotAllowed.headers);
    assert.ok(problems.TooManyRequests && 'retry-after' in problems.TooManyRequests.headers);
    assert.ok(problems.Unavailable && 'retry-after' in problems.Unavailable.headers);
  });
});

describe('openApiOf', () => {
  const Spot = z.object({ x: z.int().default(0) }).meta({ id: 'Spot' });
  const Same = z.object({ y: z.string() }).catchall(z.unknown()).meta({ id: 'Same' });
  const Holder = z.looseObject({ spot: Spot }).meta({ id: 'Holder' });
  const keep = contract({
    operationId: 'keep',
    summary: 'Keep',
    service: 'queue',
    method: 'POST',
    url: '/v1/spots',
    auth: 'public',
    rateLimit: 'address',
    schema: { body: optionalBody({ holder: Holder.optional(), same: Same.optional() }) },
    status: 200,
    response: z.object({ holder: Holder, same: Same }),
  });

  it('gives a request its own component only if it differs from the response', async () => {
    const document = openApiOf('Test', [keep]);
    assert.deepEqual(Object.keys(document.components.schemas ?? {}), [
      'Holder',
      'HolderInput',
      'KeepRequest',
      'KeepResponse',
      'ProblemDetails',
      'Same',
      'Spot',
      'SpotInput',
    ]);
    const holder = JSON.stringify(document.components.schemas?.HolderInput);
    assert.ok(holder.includes('"#/components/schemas/SpotInput"'));
    assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true });
  });

  it('throws when two routes share an operationId or a path', () => {
    const renamed = contract({ ...keep, operationId: 'keepToo' });
    const moved = contract({ ...keep, url: '/v1/places' });
    assert.throws(() => openApiOf('Test', [keep, renamed]), /defined twice/);
    assert.throws(() => openApiOf('Test', [keep, moved]), /used twice/);
  });
});

describe('generate-openapi', () => {
  const directory = mkdtempSync(join(tmpdir(), 'openapi-'));
  const docs = mkdtempSync(join(tmpdir(), 'docs-'));
  const client = mkdtempSync(join(tmpdir(), 'client-'));
  after(() => {
    for (const made of [directory, docs, client]) rmSync(made, { recursive: true });
  });
  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [
        join(import.meta.dirname, 'generate-openapi.ts'),
        ...['--directory', directory, '--docs', docs, '--client', client],
        ...args,
      ],
      { encoding: 'utf8' },
    );

  it('lists outdated files with --check and regenerates them without', () => {
    assert.equal(run().status, 0);
    assert.deepEqual(readdirSync(directory).sort(), [...openApiDocuments().keys()].sort());
    assert.equal(run('--check').status, 0);

    appendFileSync(join(directory, 'user.json'), ' ');
    rmSync(join(directory, 'auth.json'));
    writeFileSync(join(directory, 'gone.json'), '{}');
    appendFileSync(join(docs, 'party-moves.md'), ' ');
    rmSync(join(client, 'operations.ts'));
    const drift = run('--check');
    assert.equal(drift.status, 1);
    assert.match(drift.stderr, /swagger\/user\.json/);
    assert.match(drift.stderr, /swagger\/auth\.json/);
    assert.match(drift.stderr, /swagger\/gone\.json/);
    assert.match(drift.stderr, /docs\/party-moves\.md/);
    assert.match(drift.stderr, /client\/src\/operations\.ts/);
    assert.doesNotMatch(drift.stderr, /openapi\.json/);

    assert.equal(run().status, 0);
    assert.equal(run('--check').status, 0);
  });
});
