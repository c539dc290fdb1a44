import { type Metric, metricsList, type Panel, panelRows, type Series } from './metrics-list.ts';

/** Grafana's grid is 24 wide. */
const gridWidth = 24;
const panelHeight = 8;
const rateWindow = '$__rate_interval';
/** The variable of the dashboard that names the data source. */
const datasource = { type: 'prometheus', uid: '$datasource' };

const units: Record<Panel['unit'], string> = {
  perSecond: 'reqps',
  seconds: 's',
  count: 'short',
  bytes: 'bytes',
};

/** The PromQL of a series. `service` is the label that the scrape configuration gives each target. */
export function promQl({ metric, show, by, where = {} }: Series): string {
  const known: Metric | undefined = Object.entries(metricsList).find(
    ([name]) => name === metric,
  )?.[1];
  const matchers = Object.entries(where).map(([label, pattern]) => `${label}=~"${pattern}"`);
  const selector = matchers.length === 0 ? '' : `{${matchers.join(',')}}`;
  const rateOf = (name: string) => `rate(${name}${selector}[${rateWindow}])`;
  const grouped = (fold: string, labels: readonly string[], inner: string) =>
    labels.length === 0 ? `${fold}(${inner})` : `${fold} by (${labels.join(', ')}) (${inner})`;
  switch (show) {
    case 'rate':
      return grouped('sum', by, rateOf(known?.type === 'histogram' ? `${metric}_count` : metric));
    case 'value':
      return grouped(known?.type === 'gauge' ? known.across : 'max', by, `${metric}${selector}`);
    default: {
      const quantile = Number(show.slice(1)) / 100;
      const buckets = grouped('sum', ['le', ...by], rateOf(`${metric}_bucket`));
      return `histogram_quantile(${quantile}, ${buckets})`;
    }
  }
}

/** The dashboard as Grafana imports or provisions it; it asks for a Prometheus data source. */
export function grafanaDashboard(): object {
  let id = 0;
  let y = 0;
  const panels = panelRows.flatMap(({ title, panels: inRow }) => {
    const width = gridWidth / inRow.length;
    const row = { id: ++id, type: 'row', title, gridPos: { x: 0, y: y++, w: gridWidth, h: 1 } };
    const made = inRow.map((panel, index) => ({
      id: ++id,
      type: 'timeseries',
      title: panel.title,
      datasource,
      gridPos: { x: index * width, y, w: width, h: panelHeight },
      fieldConfig: { defaults: { unit: units[panel.unit] }, overrides: [] },
      targets: panel.series.map((series, at) => ({
        refId: String.fromCharCode('A'.charCodeAt(0) + at),
        datasource,
        expr: promQl(series),
        legendFormat: legendOf(series),
      })),
    }));
    y += panelHeight;
    return [row, ...made];
  });
  return {
    uid: 'queue-manager',
    title: 'Queue Manager',
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels,
  };
}

function legendOf({ metric, show, by, legend }: Series): string {
  if (legend !== undefined) return legend;
  const labels = by.map((label) => `{{${label}}}`).join(' ');
  return labels || (show === 'value' ? metric : show);
}
