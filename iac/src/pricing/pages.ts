import { type Bill, bills } from './bill.ts';
import { hoursAMonth, prices, pricesOf } from './prices.ts';
import { capacity, loadOf, sizesOf, venue } from './workload.ts';

const number = (value: number) =>
  value.toLocaleString('en-US', { maximumSignificantDigits: value < 1_000 ? 3 : 4 });
const dollars = (value: number) => (value > 0 && value < 1 ? '< 1' : number(Math.round(value)));

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Groups of the summary, by the beginnings of the items of a bill. */
const groups: [name: string, items: RegExp][] = [
  ['services (Fargate)', /: (processor|memory)$/],
  ['MySQL', /^MySQL/],
  ['Redis, both', /^Redis/],
  ['network: load balancer, NAT, endpoints', /^(Load balancer|Way out|Endpoints)/],
  ['CloudFront and firewall', /^(CloudFront|Firewall)/],
  ['messages, accounts, mails', /^(Messages|Accounts|Mails)/],
  ['logs, metrics, alarms, secrets', /^(Logs|Alarms|Metrics|Dashboards|Traces|Secrets|Key)/],
];

function summary(): string {
  const of = ({ lines }: Bill, items: RegExp) =>
    lines.filter(({ item }) => items.test(item)).reduce((sum, line) => sum + line.dollars, 0);
  const venues = [0, 1, 100, 10_000];
  return table(
    ['dollars a month', ...bills.map(({ title }) => title)],
    [
      ...groups.map(([name, items]) => [name, ...bills.map((bill) => dollars(of(bill, items)))]),
      ['**together**', ...bills.map((bill) => `**${dollars(bill.dollars)}**`)],
      [
        'a venue',
        ...bills.map(({ dollars: all }, index) =>
          venues[index] ? number(all / (venues[index] as number)) : '',
        ),
      ],
    ],
  );
}

function details(): string {
  const [first] = bills;
  const items = [...new Set(bills.flatMap(({ lines }) => lines.map(({ item }) => item)))];
  return table(
    ['item', 'unit', ...bills.map(({ title }) => title), 'unit price'],
    items.map((item) => {
      const lines = bills.map((bill) => bill.lines.find((line) => line.item === item));
      const known = lines.findLast(Boolean) ?? first?.lines[0];
      const { unit, dollars: each } = prices[known?.price ?? 'key'];
      return [
        item,
        unit,
        ...lines.map((line) =>
          line ? `${number(line.quantity)} = $${dollars(line.dollars)}` : '',
        ),
        lines.some((line) => line && line.price !== known?.price)
          ? `${each} (dev differs)`
          : String(each),
      ];
    }),
  );
}

const priceTable = () =>
  table(
    ['what', 'unit', 'dollars'],
    Object.values(prices).map(({ what, unit, dollars: each }) => [what, unit, String(each)]),
  );

function assumptions(from: Record<string, { value: number; why: string }>): string {
  const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return table(
    ['what', 'value', 'why'],
    Object.entries(from).map(([name, { value, why }]) => [words(name), number(value), why]),
  );
}

function scaling(): string {
  const columns = [1, 100, 10_000, 100_000].map((venues) => {
    const load = loadOf(venues);
    return { load, sizes: sizesOf(load) };
  });
  const row = (name: string, of: (column: (typeof columns)[number]) => number) => [
    name,
    ...columns.map((column) => number(of(column))),
  ];
  return table(
    [
      'at the busiest second of a Saturday',
      ...columns.map(({ load }) => `${number(load.venues)} venues`),
    ],
    [
      row('joins a second', ({ load }) => load.peak.joinsASecond),
      row('changes of lines a second', ({ load }) => load.peak.changesASecond),
      row('requests a second', ({ load }) => load.peak.requestsASecond),
      row('open streams', ({ load }) => load.peak.streams),
      row('pushes a second', ({ load }) => load.peak.pushesASecond),
      row('parties waiting', ({ load }) => load.peak.waiting),
      row('tasks of the gateway', ({ sizes }) => sizes.gateways),
      row('tasks of the position service', ({ sizes }) => sizes.positions),
      row('tasks of the queue service', ({ sizes }) => sizes.queues),
      row('MySQL: servers (cells of venues)', ({ sizes }) => sizes.mysqlCells),
      row('MySQL: vCPU of each', ({ sizes }) => sizes.mysqlVcpus),
      row('MySQL: GB in all, kept a year', ({ load }) => load.storage.mysqlGb),
      row('Redis: GB of lines', ({ load }) => load.storage.redisGb),
      row('Redis: shards', ({ sizes }) => sizes.redisShards),
      row('messages a second', ({ load }) => load.peak.messagesASecond),
    ],
  );
}

/** The generated parts of the documents, by file and name. */
export const parts: Record<string, Record<string, string>> = {
  'docs/pricing.md': {
    summary: summary(),
    details: `${details()}\n\nA month has ${hoursAMonth} hours.`,
    prices: `List prices of ${pricesOf.region}, ${pricesOf.date}.\n\n${priceTable()}`,
    venue: assumptions(venue),
  },
  'docs/scaling.md': { saturday: scaling(), measured: assumptions(capacity) },
};
