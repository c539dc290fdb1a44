/*
 * Every metric of the system, and what the dashboards show of them. The services register from this list, and
 * docs/metrics.md and the dashboards are made from it. It imports nothing, so that tools outside the workspaces can
 * import it.
 */

type Described = {
  readonly help: string;
  readonly labels: readonly string[];
  /** The services that have it; by default all. */
  readonly services?: readonly string[];
};

/** How the values of a service's processes add up: `max` where each process reads the same store. */
type Across = 'sum' | 'max';

export type Metric =
  | (Described & { readonly type: 'counter' })
  | (Described & { readonly type: 'gauge'; readonly across: Across })
  | (Described & { readonly type: 'histogram'; readonly buckets: readonly number[] });

/** Metrics by name, besides those of the process itself that prom-client collects (`process_*`, `nodejs_*`). */
export const metricsList = {
  http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the headers of a request to the end of its response, without event streams',
    labels: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  streams_open: {
    type: 'gauge',
    across: 'sum',
    help: 'Open event streams: guests, boards and staff who watch',
    labels: [],
    services: ['gateway', 'position'],
  },
  streams_refused_total: {
    type: 'counter',
    help: 'Event streams refused, by the limit that was reached: address, board or process',
    labels: ['limit'],
    services: ['gateway'],
  },
  parties_in_line: {
    type: 'gauge',
    across: 'max',
    help: 'Parties in all queues, by state: waiting or called',
    labels: ['state'],
    services: ['queue'],
  },
  longest_line_parties: {
    type: 'gauge',
    across: 'max',
    help: 'Parties waiting in the longest queue',
    labels: [],
    services: ['queue'],
  },
  party_events_total: {
    type: 'counter',
    help: 'Committed events of parties, by type: joins, calls, no-shows and all others',
    labels: ['type'],
    services: ['queue'],
  },
  wait_seconds: {
    type: 'histogram',
    help: 'Time that a party waited until it was called, or seated without a call',
    labels: [],
    services: ['queue'],
    buckets: [60, 120, 300, 600, 900, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200],
  },
  quote_error_seconds: {
    type: 'histogram',
    help: 'Wait of a party minus the median that it was quoted on joining; above 0, it waited longer',
    labels: [],
    services: ['queue'],
    buckets: [-3_600, -1_800, -900, -600, -300, -120, 0, 120, 300, 600, 900, 1_800, 3_600],
  },
  outbox_events: {
    type: 'gauge',
    across: 'max',
    help: 'Events in the outbox, counted up to 10,000 (of accounts: 100)',
    labels: [],
    services: ['queue', 'user'],
  },
  outbox_oldest_seconds: {
    type: 'gauge',
    across: 'max',
    help: 'Age of the event that leaves the outbox next; 0 when it is empty',
    labels: [],
    services: ['queue', 'user'],
  },
  tasks: {
    type: 'gauge',
    across: 'max',
    help: 'Tasks by state, counted up to 10,000: due, running or failed',
    labels: ['state'],
    services: ['queue'],
  },
  tasks_overdue_seconds: {
    type: 'gauge',
    across: 'max',
    help: 'How long the task that is due first has been due; 0 when none is',
    labels: [],
    services: ['queue'],
  },
  task_results_total: {
    type: 'counter',
    help: 'Reported results of tasks, by outcome: done, skipped or failed',
    labels: ['outcome'],
    services: ['queue'],
  },
  messages_total: {
    type: 'counter',
    help: 'Messages of SQS by queue and outcome: handled, retried or dead',
    labels: ['queue', 'outcome'],
    services: ['auth', 'queue', 'position', 'mailer', 'broker'],
  },
  dead_letters: {
    type: 'gauge',
    across: 'max',
    help: 'Messages in the dead-letter queue of each queue, at the last check',
    labels: ['queue'],
    services: ['queue'],
  },
  mails_total: {
    type: 'counter',
    help: 'Mails by template and outcome: sent, skipped by a rule, or failed once',
    labels: ['template', 'outcome'],
    services: ['mailer'],
  },
  broker_messages_total: {
    type: 'counter',
    help: "Messages of venues' programs: published, refused since the backlog is full, delivered, deleted",
    labels: ['outcome'],
    services: ['broker'],
  },
  broker_consumers_waiting: {
    type: 'gauge',
    across: 'sum',
    help: 'Consumers that wait for messages',
    labels: [],
    services: ['broker'],
  },
  projection_lag_seconds: {
    type: 'histogram',
    help: 'Time from a change of a line to its application in Redis, where readers see it',
    labels: [],
    services: ['position'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  line_comparisons_total: {
    type: 'counter',
    help: 'Comparisons of projections with MySQL, by kind and outcome',
    labels: ['kind', 'outcome'],
    services: ['position'],
  },
  line_repairs_total: {
    type: 'counter',
    help: 'Projections rebuilt because they differed from MySQL, by kind of difference',
    labels: ['difference'],
    services: ['position'],
  },
  contacts_waiting: {
    type: 'gauge',
    across: 'max',
    help: 'New accounts that are not yet forwarded to the external API',
    labels: [],
    services: ['forwarder'],
  },
  contacts_total: {
    type: 'counter',
    help: 'New accounts by outcome: forwarded, deadLetters, or skipped since they were deleted',
    labels: ['outcome'],
    services: ['forwarder'],
  },
  contact_runs_total: {
    type: 'counter',
    help: 'Runs of the forwarder by outcome, such as empty, out-of-time or stopped',
    labels: ['outcome'],
    services: ['forwarder'],
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metricsList;

/** Names of the metrics of one type. */
export type NameOf<T extends Metric['type']> = {
  [N in MetricName]: (typeof metricsList)[N] extends { type: T } ? N : never;
}[MetricName];

/** Values of a metric's labels. */
export type LabelsOf<N extends MetricName> = Record<
  (typeof metricsList)[N]['labels'][number],
  string
>;

/** What a series of a panel shows of its metric. A counter and the count of a histogram are shown as rates. */
export type Series = {
  /** One of the list, or of the process. */
  readonly metric:
    | MetricName
    | 'nodejs_eventloop_lag_p99_seconds'
    | 'process_resident_memory_bytes';
  readonly show: 'value' | 'rate' | 'p50' | 'p99';
  /** Labels that tell its lines apart; `service` is the label of the scraped target. */
  readonly by: readonly string[];
  /** Regular expressions that labels must match. */
  readonly where?: Readonly<Record<string, string>>;
  /** Name of its line where `by` does not tell it. */
  readonly legend?: string;
};

export type Panel = {
  readonly title: string;
  readonly unit: 'perSecond' | 'seconds' | 'count' | 'bytes';
  readonly series: readonly Series[];
};

const requests = 'http_request_duration_seconds';
const throughGateway = { service: 'gateway' } as const;

/** The panels of a dashboard, in rows: first what guests and hosts notice, then why. */
export const panelRows: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'What callers notice',
    panels: [
      {
        title: 'Requests by route',
        unit: 'perSecond',
        series: [
          { metric: requests, show: 'rate', by: ['method', 'route'], where: throughGateway },
        ],
      },
      {
        title: 'Server errors by route',
        unit: 'perSecond',
        series: [
          {
            metric: requests,
            show: 'rate',
            by: ['method', 'route'],
            where: { ...throughGateway, status: '5..' },
          },
        ],
      },
      {
        title: 'Response time by route, p99',
        unit: 'seconds',
        series: [{ metric: requests, show: 'p99', by: ['method', 'route'], where: throughGateway }],
      },
      {
        title: 'Open event streams',
        unit: 'count',
        series: [{ metric: 'streams_open', show: 'value', by: ['service'] }],
      },
    ],
  },
  {
    title: 'The night',
    panels: [
      {
        title: 'Parties in line',
        unit: 'count',
        series: [
          { metric: 'parties_in_line', show: 'value', by: ['state'] },
          { metric: 'longest_line_parties', show: 'value', by: [], legend: 'longest queue' },
        ],
      },
      {
        title: 'Joins, calls and other moves',
        unit: 'perSecond',
        series: [{ metric: 'party_events_total', show: 'rate', by: ['type'] }],
      },
      {
        title: 'Waits',
        unit: 'seconds',
        series: [
          { metric: 'wait_seconds', show: 'p50', by: [] },
          { metric: 'wait_seconds', show: 'p99', by: [] },
        ],
      },
      {
        title: 'Wait minus quote',
        unit: 'seconds',
        series: [
          { metric: 'quote_error_seconds', show: 'p50', by: [] },
          { metric: 'quote_error_seconds', show: 'p99', by: [] },
        ],
      },
    ],
  },
  {
    title: 'Work that follows',
    panels: [
      {
        title: 'Lag of events',
        unit: 'seconds',
        series: [
          { metric: 'projection_lag_seconds', show: 'p99', by: [], legend: 'to readers, p99' },
          { metric: 'outbox_oldest_seconds', show: 'value', by: ['service'] },
        ],
      },
      {
        title: 'Backlog',
        unit: 'count',
        series: [
          { metric: 'tasks', show: 'value', by: ['state'] },
          { metric: 'outbox_events', show: 'value', by: ['service'] },
          { metric: 'contacts_waiting', show: 'value', by: [], legend: 'contacts' },
        ],
      },
      {
        title: 'Dead letters',
        unit: 'count',
        series: [{ metric: 'dead_letters', show: 'value', by: ['queue'] }],
      },
      {
        title: 'Mails by outcome',
        unit: 'perSecond',
        series: [{ metric: 'mails_total', show: 'rate', by: ['outcome'] }],
      },
    ],
  },
  {
    title: 'Causes',
    panels: [
      {
        title: 'Response time by service, p99',
        unit: 'seconds',
        series: [{ metric: requests, show: 'p99', by: ['service'] }],
      },
      {
        title: 'Messages that were not handled',
        unit: 'perSecond',
        series: [
          {
            metric: 'messages_total',
            show: 'rate',
            by: ['queue', 'outcome'],
            where: { outcome: 'retried|dead' },
          },
        ],
      },
      {
        title: 'Projections repaired',
        unit: 'perSecond',
        series: [{ metric: 'line_repairs_total', show: 'rate', by: ['difference'] }],
      },
      {
        title: 'Event loop delay, p99',
        unit: 'seconds',
        series: [{ metric: 'nodejs_eventloop_lag_p99_seconds', show: 'value', by: ['service'] }],
      },
    ],
  },
];
