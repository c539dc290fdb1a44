import { type Settings, taskSizeOf } from './settings.ts';

/** The share of the connections at which the alarm goes off. */
export const connectionsAlarm = 0.8;

/** By size of an instance: its memory, and the operations a second that it does to disks for longer than half an hour a day. */
const instanceSizes: Record<string, { gib: number; iops: number }> = {
  micro: { gib: 1, iops: 500 },
  small: { gib: 2, iops: 1_000 },
  medium: { gib: 4, iops: 2_000 },
  large: { gib: 8, iops: 3_600 },
  xlarge: { gib: 16, iops: 6_000 },
  '2xlarge': { gib: 32, iops: 12_000 },
};

/** Limits that follow from the settings. */
export function mysqlLimits({ mysql }: Pick<Settings, 'mysql'>): {
  connectionsMax: number;
  iopsMax: number;
} {
  const size = instanceSizes[/\.(\w+)$/.exec(mysql.instance)?.[1] ?? ''];
  if (size === undefined) throw new Error(`mysql.instance ${mysql.instance} has an unknown size`);
  // RDS spreads the disk of MySQL over four volumes from 400 GB on. gp3 includes 3,000 operations for each.
  const includedIops = mysql.storageGb < 400 ? 3_000 : 12_000;
  return {
    // RDS derives `max_connections` from the memory: bytes / 12,582,880.
    connectionsMax: Math.floor((size.gib * 1024 ** 3 * 0.93) / 12_582_880),
    iopsMax: Math.min(includedIops, size.iops),
  };
}

/** Connections of a task of the queue service: twice as many tasks as ever run, as in a deployment, stay below the alarm. */
export function mysqlPoolSizeOf(settings: Settings): number {
  const { tasksMax } = taskSizeOf(settings, 'queue');
  return Math.floor((connectionsAlarm * mysqlLimits(settings).connectionsMax) / (2 * tasksMax));
}
