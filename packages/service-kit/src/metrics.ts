import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export type Metrics = {
  contentType: string;
  /** `route` is the pattern, never the address: a ticket must not become a label. */
  observeRequest(method: string, route: string, status: number, seconds: number): void;
  /** A counter of the service's own. The function it gives adds one. */
  counter<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
  ): (labels: Record<L, string>) => void;
  render(): Promise<string>;
};

/** Prometheus metrics of one app: the process's own, and a histogram of requests by route pattern. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer',
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
    render: () => registry.metrics(),
  };
}
