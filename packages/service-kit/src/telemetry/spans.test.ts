import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { createApp } from '../create-app.ts';
import { recordingLogger, testCredential } from '../testing.ts';
import { currentContext, currentDeadline, runInContext } from '../trace-context.ts';
import { withSpan } from './spans.ts';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  }),
);

const traceId = '0af7651916cd43dd8448eb211c80319c';
const sampled = `00-${traceId}-b7ad6b7169203331-01`;
const unsampled = `00-${traceId}-b7ad6b7169203331-00`;
const spans = () => exporter.getFinishedSpans();

describe('spans', () => {
  beforeEach(() => exporter.reset());

  it('are made of sampled traces alone', async () => {
    for (const context of [{}, { requestId: 'r' }, { traceparent: unsampled }]) {
      const seen = await runInContext(context, () =>
        withSpan('work', {}, async () => currentContext()),
      );
      assert.equal(seen, context);
    }
    assert.deepEqual(spans(), []);
  });

  it('are children of the current one, and keep the request id and the deadline', async () => {
    const deadline = { at: performance.now() + 60_000 };
    const inside = await runInContext(
      { requestId: 'r', traceparent: sampled },
      () =>
        withSpan('outer', {}, () =>
          withSpan('inner', {}, async () => ({ ...currentContext(), at: currentDeadline() })),
        ),
      deadline,
    );
    const [inner, outer] = spans();
    assert.equal(outer?.parentSpanContext?.spanId, 'b7ad6b7169203331');
    assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId);
    assert.deepEqual(inside, {
      requestId: 'r',
      traceparent: `00-${traceId}-${inner?.spanContext().spanId}-01`,
      at: deadline.at,
    });
  });

  it('name the kind of an error, but not its text', async () => {
    const failing = () =>
      withSpan('work', {}, () => Promise.reject(new TypeError('ana@example.com')));
    await assert.rejects(runInContext({ traceparent: sampled }, failing), TypeError);
    assert.deepEqual(spans()[0]?.status, { code: SpanStatusCode.ERROR, message: 'TypeError' });
    assert.deepEqual(spans()[0]?.events, []);
  });
});

describe('the span of a request', () => {
  beforeEach(() => exporter.reset());

  /** Requests a route, by a caller with this `traceparent`. */
  async function request(traceRatio: number | undefined, traceparent: string | undefined) {
    const { logger, lines } = recordingLogger();
    const app = createApp({
      logger,
      internalCredential: testCredential,
      readiness: {},
      ...(traceRatio === undefined ? {} : { traceRatio }),
    });
    let seen: string | undefined;
    app.get('/things/:id', async () => {
      seen = currentContext()?.traceparent;
      return {};
    });
    app.get('/stream', { config: { isStream: true } }, async () => {
      seen = currentContext()?.traceparent;
      return {};
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const get = async (path: string) => {
      seen = undefined;
      await (await fetch(url + path, { headers: traceparent ? { traceparent } : {} })).text();
      return seen;
    };
    const result = { seen: await get('/things/secret'), ofStream: await get('/stream') };
    await app.close();
    return { ...result, lines: lines.filter((line) => line.includes('/things/')) };
  }

  it('is made where the caller has chosen, by default', async () => {
    assert.equal((await request(undefined, undefined)).seen, undefined);
    assert.equal((await request(undefined, unsampled)).seen, unsampled);
    assert.deepEqual(spans(), []);
    const { seen, lines } = await request(undefined, sampled);
    const span = spans().find(({ name }) => name === 'GET /things/:id');
    assert.equal(seen, `00-${traceId}-${span?.spanContext().spanId}-01`);
    assert.equal(span?.attributes['http.response.status_code'], 200);
    assert.ok(!JSON.stringify(span?.attributes).includes('secret'));
    assert.equal(JSON.parse(lines[0] ?? '{}').traceId, traceId);
  });

  it('is made by the share of the service that decides, whatever the caller has chosen', async () => {
    assert.equal((await request(0, sampled)).seen, unsampled);
    assert.equal((await request(0, undefined)).seen, undefined);
    assert.deepEqual(spans(), []);
    assert.match((await request(1, unsampled)).seen ?? '', new RegExp(`^00-${traceId}-.*-01$`));
    assert.match((await request(1, undefined)).seen ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(spans().length, 2);
  });

  it('is not made of a stream', async () => {
    assert.equal((await request(1, sampled)).ofStream, unsampled);
    assert.deepEqual(
      spans().map(({ name }) => name),
      ['GET /things/:id'],
    );
  });
});
