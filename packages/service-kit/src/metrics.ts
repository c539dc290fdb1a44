import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = {
  contentType: string;
  /** `route` is the pattern, never the URL: a ticket must not become a label. */
  observeRequest(method: string, route: string, status: number, seconds: number): void;
  /** Registers a counter; the returned function increments it. */
  counter<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
  ): (labels: Record<L, string>) => void;
  /** Registers a gauge, read when metrics are rendered. */
  gauge(name: string, help: string, read: () => number): void;
  render(): Promise<string>;
};

/** Prometheus metrics of one app: process metrics and a histogram of request durations by route. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request headers to the end of the response',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  return {
    contentType: registry.contentType,
    observeRequest: (method, route, status, seconds) =>
      requests.observe({ method, route, status }, seconds),
    counter<L extends string>(name: string, help: string, labelNames: readonly L[]) {
      const counter = new Counter<string>({ name, help, labelNames, registers: [registry] });
      return (labels: Record<L, string>) => counter.inc(labels);
    },
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        collect: () => gauge.set(read()),
        registers: [registry],
      });
    },
    render: () => registry.metrics(),
  };
}
