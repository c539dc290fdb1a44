import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grafanaDashboard, promQl } from './grafana-dashboard.ts';
import { createMetrics } from './metrics.ts';
import { type Metric, metricsList, panelRows } from './metrics-list.ts';

const linesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.startsWith(name));

describe('metrics', () => {
  it('have a NaN or no values where a store fails or is silent, and the other metrics stay', async () => {
    const metrics = createMetrics();
    metrics.gauge('outbox_events', () => Promise.reject(new Error('unavailable')));
    metrics.gauge('outbox_oldest_seconds', () => new Promise(() => undefined));
    metrics.gauge('dead_letters', () => Promise.reject(new Error('unavailable')));
    metrics.gauge('streams_open', () => 3);
    const text = await metrics.render();
    assert.deepEqual(linesOf(text, 'outbox_'), ['outbox_events Nan', 'outbox_oldest_seconds Nan']);
    assert.deepEqual(linesOf(text, 'dead_letters'), []);
    assert.deepEqual(linesOf(text, 'streams_open'), ['streams_open 3']);
  });

  it('have a series of a counter from a count of 0', async () => {
    const metrics = createMetrics();
    const count = metrics.counter('line_repairs_total');
    const series = async () => linesOf(await metrics.render(), 'line_repairs_total{');
    assert.deepEqual(await series(), []);
    count({ difference: 'missing' }, 0);
    assert.deepEqual(await series(), ['line_repairs_total{difference="missing"} 0']);
    count({ difference: 'missing' });
    assert.deepEqual(await series(), ['line_repairs_total{difference="missing"} 1']);
  });

  it('forget the value of a label that is no longer read', async () => {
    const metrics = createMetrics();
    const counts = new Map([
      ['mails', 1],
      ['tasks', 2],
    ]);
    metrics.gauge('dead_letters', () => counts);
    await metrics.render();
    counts.delete('mails');
    assert.deepEqual(linesOf(await metrics.render(), 'dead_letters'), [
      'dead_letters{queue="tasks"} 2',
    ]);
  });
});

describe('the dashboard', () => {
  const list = metricsList as Record<string, Metric>;
  const allSeries = panelRows.flatMap(({ panels }) => panels.flatMap(({ series }) => series));

  it('asks only for labels that a metric has', () => {
    for (const { metric, by, where = {} } of allSeries) {
      const known = ['service', ...(list[metric]?.labels ?? [])];
      for (const label of [...by, ...Object.keys(where)]) {
        assert.ok(known.includes(label), `${metric} has no label ${label}`);
      }
    }
  });

  it('shows rates of counters, quantiles of histograms and values of gauges', () => {
    for (const { metric, show } of allSeries) {
      const { type = 'gauge' } = list[metric] ?? {};
      const allowed = { counter: ['rate'], gauge: ['value'], histogram: ['rate', 'p50', 'p99'] };
      assert.ok(allowed[type].includes(show), `${metric} is a ${type}, not shown as ${show}`);
    }
    assert.equal(
      promQl({ metric: 'dead_letters', show: 'value', by: ['queue'] }),
      'max by (queue) (dead_letters)',
    );
    assert.equal(
      promQl({ metric: 'wait_seconds', show: 'p50', by: [], where: { service: 'queue' } }),
      'histogram_quantile(0.5, sum by (le) (rate(wait_seconds_bucket{service=~"queue"}[$__rate_interval])))',
    );
  });

  it('has each panel once, in rows that fill the width', () => {
    const { panels } = grafanaDashboard() as {
      panels: { id: number; type: string; gridPos: { x: number; y: number; w: number } }[];
    };
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const rows = Map.groupBy(panels, ({ gridPos }) => gridPos.y);
    for (const inRow of rows.values()) {
      assert.equal(
        inRow.reduce((width, { gridPos }) => width + gridPos.w, 0),
        24,
      );
    }
  });
});
