import { daySeconds } from '@queue-manager/service-kit/durations';

/** What a typical venue does, in a table of assumptions: change them here, and `npm run pricing` rewrites the documents. */
export const venue = {
  nightsAMonth: { value: 26, why: 'closed on Mondays' },
  partiesANight: { value: 150, why: 'a restaurant with 18 tables; a club has more, a bar fewer' },
  hoursANight: { value: 5, why: 'arrivals between 18:00 and 23:00' },
  shareOfPeakHour: { value: 0.3, why: 'of the parties of a night' },
  waitingAtPeak: { value: 20, why: 'parties in line at the same time' },
  changesAParty: { value: 4, why: 'join, call, seat or leave, depart' },
  watchersAParty: { value: 0.8, why: 'guests who keep the page of their ticket open' },
  screens: { value: 3, why: 'stand, door, and a board on the wall' },
  requestsAParty: { value: 12, why: 'the page, the ticket, and what hosts press' },
  mailsAParty: {
    value: 1.5,
    why: 'half of the guests leave an e-mail address, and get three mails',
  },
  tasksAParty: { value: 2.5, why: 'mails and the end of calls' },
  newAccountsAMonth: { value: 2, why: 'staff' },
  bytesAPush: { value: 400, why: 'a position as an event of a stream' },
  bytesAPage: { value: 150_000, why: 'first load of the page of a guest' },
  logLinesAParty: { value: 4, why: 'requests that fail, and mails; 500 bytes each' },
} as const;

/** What was measured (docs/performance.md), and how much of it a machine should be asked for: half. */
export const capacity = {
  changesASecondOfVcpu: {
    value: 400,
    why: 'MySQL: 1,531 joins a second on two cores that services shared; half of that, a core',
  },
  changesASecondOfQueueTask: {
    value: 300,
    why: 'one process, 1.2 to 1.8 ms of CPU of all processes',
  },
  streamsOfTask: {
    value: 8_000,
    why: '10,000 streams, 40 KB each in gateway and position service',
  },
  requestsASecondOfGateway: {
    value: 4_000,
    why: '12,384 reads a second on 4 cores with their load; a third',
  },
  lineBytesAParty: { value: 250, why: 'Redis: 235 MB for a million parties' },
  rowBytesAParty: {
    value: 3_000,
    why: 'MySQL: a party, its person, events and tasks, with indexes',
  },
  keptDays: { value: 365, why: 'parties and events without personal data' },
  vcpusOfCell: { value: 8, why: 'a cell of venues: what one MySQL server is asked for' },
  gbOfCell: { value: 4_000, why: 'restoring more takes a night' },
} as const;

/** Its tasks there and back, the events of its changes, and its mails. */
const messagesAParty =
  venue.tasksAParty.value * 2 + venue.changesAParty.value + venue.mailsAParty.value;

export type Load = ReturnType<typeof loadOf>;

/** The load of a number of venues: at the busiest second of a Saturday, and in a month. */
export function loadOf(venues: number) {
  const partiesAMonth = venues * venue.partiesANight.value * venue.nightsAMonth.value;
  const partiesASecond = (venues * venue.partiesANight.value * venue.shareOfPeakHour.value) / 3_600;
  const watchers = venue.waitingAtPeak.value * venue.watchersAParty.value;
  const changesANight = venue.partiesANight.value * venue.changesAParty.value;
  const streams = venues * (watchers + venue.screens.value);
  // A change moves those who wait behind it: half of the line.
  const pushesAChange = watchers / 2 + venue.screens.value;
  return {
    venues,
    peak: {
      joinsASecond: partiesASecond,
      changesASecond: partiesASecond * venue.changesAParty.value,
      requestsASecond: partiesASecond * venue.requestsAParty.value,
      streams,
      pushesASecond: partiesASecond * venue.changesAParty.value * pushesAChange,
      waiting: venues * venue.waitingAtPeak.value,
      messagesASecond: partiesASecond * messagesAParty,
    },
    month: {
      parties: partiesAMonth,
      requests: partiesAMonth * venue.requestsAParty.value,
      mails: partiesAMonth * venue.mailsAParty.value,
      // A send, a receive and a delete of each. Busy queues do ten at once, which a few venues never see.
      messageRequests: partiesAMonth * messagesAParty * 3,
      accountWrites: venues * venue.newAccountsAMonth.value * 20,
      edgeGb:
        (venues *
          venue.nightsAMonth.value *
          changesANight *
          pushesAChange *
          venue.bytesAPush.value +
          partiesAMonth * venue.bytesAPage.value) /
        1e9,
      logGb: (partiesAMonth * venue.logLinesAParty.value * 500) / 1e9,
    },
    storage: {
      mysqlGb:
        (venues *
          venue.partiesANight.value *
          ((venue.nightsAMonth.value * 12) / 365) *
          capacity.keptDays.value *
          capacity.rowBytesAParty.value) /
        1e9,
      redisGb: (venues * venue.partiesANight.value * 2 * capacity.lineBytesAParty.value) / 1e9,
    },
  };
}

/** Seconds of a month in which the tasks of a night run; the rest of the time, two of each do. */
const busyShare =
  (venue.hoursANight.value * venue.nightsAMonth.value * 3_600) / (30.4 * daySeconds);

export type Sizes = ReturnType<typeof sizesOf>;

/** How much of everything a load needs. */
export function sizesOf({ peak, storage }: Load) {
  const tasksFor = (need: number, each: number) => Math.max(2, Math.ceil(need / each));
  const gateways = Math.max(
    tasksFor(peak.streams, capacity.streamsOfTask.value),
    tasksFor(peak.requestsASecond, capacity.requestsASecondOfGateway.value),
  );
  const positions = tasksFor(peak.streams, capacity.streamsOfTask.value);
  const queues = tasksFor(peak.changesASecond, capacity.changesASecondOfQueueTask.value);
  const vcpus = peak.changesASecond / capacity.changesASecondOfVcpu.value;
  const mysqlCells = Math.max(
    1,
    Math.ceil(vcpus / capacity.vcpusOfCell.value),
    Math.ceil(storage.mysqlGb / capacity.gbOfCell.value),
  );
  const redisNodes = Math.max(1, Math.ceil(storage.redisGb / 6));
  return {
    gateways,
    positions,
    queues,
    /** Tasks on average over a month. */
    average: (atPeak: number) => 2 + (atPeak - 2) * busyShare,
    mysqlCells,
    mysqlVcpus: [2, 4].find((size) => size >= vcpus / mysqlCells) ?? capacity.vcpusOfCell.value,
    mysqlGb: Math.max(100, Math.ceil(storage.mysqlGb * 1.3)),
    redisShards: Math.max(redisNodes, Math.ceil(peak.pushesASecond / 100_000)),
  };
}
