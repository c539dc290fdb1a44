import pTimeout from 'p-timeout';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type LabelsOf, metricsList, type NameOf } from './metrics-list.ts';

/** Registers metrics by their names in `metrics-list.ts`, each once per app. */
export type Metrics = {
  contentType: string;
  /**
   * Registers a counter; the returned function adds to it, 1 by default. Adding 0 makes a series exist: a rate does not see
   * the first increment of a series that appears with it.
   */
  counter<N extends NameOf<'counter'>>(name: N): (labels: LabelsOf<N>, count?: number) => void;
  /** Registers a histogram; the returned function adds an observation. */
  histogram<N extends NameOf<'histogram'>>(name: N): (value: number, labels: LabelsOf<N>) => void;
  /**
   * Registers a gauge, read when metrics are rendered: one value, or the values by that of its one label. It is NaN, or
   * has no values, when reading fails or takes longer than a second.
   */
  gauge(name: NameOf<'gauge'>, read: () => Reading | Promise<Reading>): void;
  render(): Promise<string>;
};

type Reading = number | ReadonlyMap<string, number>;

const readMsMax = 1_000;

/** Prometheus metrics of one app, besides those of its process. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const common = (name: keyof typeof metricsList) => {
    const { help, labels } = metricsList[name];
    return { name, help, labelNames: [...labels] as string[], registers };
  };
  return {
    contentType: registry.contentType,
    counter(name) {
      const counter = new Counter<string>(common(name));
      return (labels, count) => counter.inc(labels, count);
    },
    histogram(name) {
      const buckets = [...metricsList[name].buckets];
      const histogram = new Histogram<string>({ ...common(name), buckets });
      return (value, labels) => histogram.observe(labels, value);
    },
    gauge(name, read) {
      const [label] = metricsList[name].labels;
      const collect = async (gauge: Gauge<string>) => {
        gauge.reset();
        const reading = await pTimeout(Promise.resolve().then(read), {
          milliseconds: readMsMax,
        }).catch(() => (label === undefined ? Number.NaN : new Map<string, number>()));
        if (typeof reading === 'number') return gauge.set(reading);
        for (const [value, count] of reading) gauge.set({ [label as string]: value }, count);
      };
      const gauge: Gauge<string> = new Gauge({ ...common(name), collect: () => collect(gauge) });
    },
    render: () => registry.metrics(),
  };
}
