import { DiagLogLevel, diag, trace } from '@opentelemetry/api';
import pTimeout from 'p-timeout';
import type { Logger } from '../logging.ts';

/** Half of it is for the attempt, so that one may be repeated. */
const stopMsMax = 3_000;

export type TraceExport = {
  /** Exports what is left. Never rejects. */
  stop(): Promise<void>;
};

/**
 * Exports the spans of this process by OTLP over HTTP to a collector, such as `http://127.0.0.1:4318`, in batches and in
 * the background. Without an endpoint it loads nothing, and there are no spans.
 */
export async function exportTraces(
  service: string,
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }: { OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined },
  logger: Logger,
): Promise<TraceExport | undefined> {
  if (endpoint === undefined) return undefined;
  const [
    { AlwaysOnSampler, BatchSpanProcessor, TracerProvider },
    { OTLPTraceExporter },
    resources,
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  let isFailing = false;
  const onError = (message: string) => {
    if (!isFailing) logger.warn({ reason: message.slice(0, 300) }, 'traces are not exported');
    isFailing = true;
  };
  const ignore = () => undefined;
  diag.setLogger(
    { error: onError, warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: stopMsMax / 2,
  });
  const provider = new TracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': service }),
    // Spans are made for sampled requests only.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  trace.setGlobalTracerProvider(provider);
  return {
    stop: () =>
      pTimeout(provider.shutdown(), { milliseconds: stopMsMax }).catch((error: unknown) =>
        logger.warn({ err: error }, 'the last traces were not exported'),
      ),
  };
}
