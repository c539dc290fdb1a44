/** List prices in dollars, without taxes, discounts and free tiers of new accounts. */
export const pricesOf = { region: 'eu-west-1 (Ireland)', date: 'November 2025' };

type Price = { what: string; unit: string; dollars: number };

/** Keys name what is counted; `month` is 730 hours. */
export const prices = {
  fargateCpu: { what: 'Fargate on ARM, processor', unit: 'vCPU and hour', dollars: 0.03238 },
  fargateMemory: { what: 'Fargate on ARM, memory', unit: 'GB and hour', dollars: 0.00356 },
  mysqlCpu: { what: 'RDS for MySQL, m7g and r7g, one zone', unit: 'vCPU and hour', dollars: 0.094 },
  mysqlSmall: { what: 'RDS for MySQL, db.t4g.small, one zone', unit: 'hour', dollars: 0.035 },
  mysqlStorage: { what: 'RDS storage, gp3, one zone', unit: 'GB and month', dollars: 0.127 },
  redisLarge: { what: 'ElastiCache for Valkey, r7g', unit: '13 GB node and hour', dollars: 0.193 },
  redisMicro: { what: 'ElastiCache for Valkey, t4g.micro', unit: 'node and hour', dollars: 0.0136 },
  brokerSmall: { what: 'MemoryDB, db.t4g.small', unit: 'node and hour', dollars: 0.0376 },
  brokerMedium: { what: 'MemoryDB, db.t4g.medium', unit: 'node and hour', dollars: 0.0752 },
  loadBalancer: { what: 'Application Load Balancer', unit: 'hour', dollars: 0.0252 },
  loadBalancerUnit: { what: 'Load balancer capacity (LCU)', unit: 'hour', dollars: 0.008 },
  natGateway: { what: 'NAT gateway', unit: 'hour', dollars: 0.048 },
  natInstance: { what: 'NAT instance, t4g.nano', unit: 'hour', dollars: 0.0046 },
  publicAddress: { what: 'Public IPv4 address', unit: 'hour', dollars: 0.005 },
  endpoint: { what: 'Interface endpoint', unit: 'zone and hour', dollars: 0.011 },
  edgeTraffic: { what: 'CloudFront, data to browsers in Europe', unit: 'GB', dollars: 0.085 },
  edgeRequests: { what: 'CloudFront, requests in Europe', unit: 'million', dollars: 1.2 },
  firewall: { what: 'WAF: list and five rules', unit: 'month', dollars: 10 },
  firewallRequests: { what: 'WAF, requests', unit: 'million', dollars: 0.6 },
  messages: { what: 'SQS, requests', unit: 'million', dollars: 0.4 },
  tableWrites: { what: 'DynamoDB on demand, writes', unit: 'million', dollars: 0.705 },
  tableReads: { what: 'DynamoDB on demand, reads', unit: 'million', dollars: 0.141 },
  functionRuns: { what: 'Lambda on ARM, 0.5 GB for 0.5 s', unit: 'million runs', dollars: 3.53 },
  mails: { what: 'SES, mails', unit: 'thousand', dollars: 0.1 },
  logs: { what: 'CloudWatch Logs, ingestion', unit: 'GB', dollars: 0.57 },
  alarm: { what: 'CloudWatch alarm, each metric', unit: 'month', dollars: 0.1 },
  metric: { what: 'CloudWatch metric of our own', unit: 'month', dollars: 0.3 },
  traces: { what: 'X-Ray, traces', unit: 'million', dollars: 5 },
  dashboard: { what: 'CloudWatch dashboard', unit: 'month', dollars: 3 },
  secret: { what: 'Secrets Manager, secret', unit: 'month', dollars: 0.4 },
  key: { what: 'KMS key', unit: 'month', dollars: 1 },
  search: { what: 'OpenSearch, two t3.small with 20 GB (optional)', unit: 'month', dollars: 62 },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;
export const hoursAMonth = 730;
