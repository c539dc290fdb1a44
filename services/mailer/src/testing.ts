import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import {
  type EventOf,
  type MailContent,
  makeEvent,
  type TaskRef,
} from '@queue-manager/contracts/events';
import { testQueues } from '@queue-manager/events/testing';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { testEnv, uniqueName, until } from '@queue-manager/service-kit/testing';

/** A mail of the inbox's HTTP API. */
type ReceivedMail = {
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  from: { address: string; name: string }[];
  to: { address: string; name: string }[];
  envelope: { to: { address: string }[] };
};

/** A unique address. */
export function uniqueAddress(name: string): string {
  return `${uniqueName(name)}@example.com`;
}

/** The mails to an address. */
export async function mailsTo(address: string): Promise<ReceivedMail[]> {
  const list = new URL('/email', testEnv('MAIL_URL'));
  list.searchParams.set('to.address', address);
  const answer = await fetch(list);
  return (await answer.json()) as ReceivedMail[];
}

export async function mailTo(address: string): Promise<ReceivedMail> {
  return until(`a mail for ${address}`, async () => (await mailsTo(address))[0], 60_000);
}

export function mailRequested(
  to: string,
  content: MailContent,
  locale = 'en',
  task?: TaskRef,
  more: Pick<EventOf<'mail.requested'>['data'], 'order' | 'newSender'> = {},
): EventOf<'mail.requested'> {
  return makeEvent({
    id: newId(systemClock),
    source: '/user',
    type: 'mail.requested',
    subject: newId(systemClock),
    time: systemClock.now().toISOString(),
    data: {
      to,
      locale,
      content,
      ...more,
      ...(task === undefined ? {} : { task }),
    },
  });
}

/** A message of the queue `mails` as Lambda passes it. */
export function mailRecord(messageId: string, body: string, receives: number) {
  return {
    messageId,
    receiptHandle: 'MessageReceiptHandle',
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '1773000000000',
      SenderId: '123456789012',
      ApproximateFirstReceiveTimestamp: '1773000000001',
    },
    messageAttributes: {
      type: {
        stringValue: 'mail.requested',
        stringListValues: [],
        binaryListValues: [],
        dataType: 'String',
      },
    },
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:mails',
    awsRegion: 'eu-west-1',
  };
}

export function newTask(): TaskRef {
  return { venueId: newId(systemClock), taskId: newId(systemClock), attempt: 1 };
}

export const verifyAccount = {
  template: 'verify-account',
  name: 'Ana',
  link: 'https://queue.example/verify?token=AbC-123_xyz',
} as const satisfies MailContent;

export const venueInvitation = {
  template: 'venue-invitation',
  venueName: 'Café Zé',
  role: 'manager',
  link: 'https://queue.example/invitations/accept?token=AbC-123_xyz',
} as const satisfies MailContent;

/** Fields of every mail to a party. */
export const partyFacts = {
  name: 'Ana',
  number: 42,
  venueName: 'Café Zé',
  queueName: 'Tables',
  link: 'https://queue.example/t/AbCdEf',
  unsubscribeLink: 'https://queue.example/v1/unsubscribe/XyZ',
};

export const partyJoined = {
  template: 'party-joined',
  ...partyFacts,
} as const satisfies MailContent;

export const partyCalled = {
  template: 'party-called',
  graceSeconds: 300,
  ...partyFacts,
} as const satisfies MailContent;

export type SmtpProxy = {
  url: string;
  /** How often `RCPT TO` named a recipient. */
  attempts(address: string): number;
  /** Replies to `RCPT TO` for a recipient, for a number of times; always by default. */
  reply(address: string, reply: string, times?: number): void;
  /** Leaves the replies for a recipient to the server again. */
  accept(address: string): void;
  /** Drops the server's reply to the next mail that it accepts, and closes the connection. */
  dropAcceptance(): void;
  /** Holds back the server's reply to each accepted mail until `goUp`. Resolves at the first. */
  holdAcceptance(): Promise<void>;
  /** Closes all connections and refuses new ones. */
  goDown(): void;
  goUp(): void;
  close(): Promise<void>;
};

/** Message queues of a test's own, and a proxy before the inbox's SMTP server. */
export async function startMailStores(test: TestContext) {
  const broker = await testQueues();
  const smtpProxy = await startSmtpProxy();
  test.after(async () => {
    await smtpProxy.close();
    await broker.drop();
  });
  return { broker, smtpProxy };
}

/** A proxy before the inbox's SMTP server that can reject recipients, go down, or lose a reply. */
export async function startSmtpProxy(): Promise<SmtpProxy> {
  const upstream = new URL(testEnv('SMTP_URL'));
  const replies = new Map<string, { reply: string; times: number }>();
  const recipients: string[] = [];
  let isUp = true;
  let isDropping = false;
  let held: { first: PromiseWithResolvers<void>; end: PromiseWithResolvers<void> } | undefined;

  const { url, cut, close } = await listen('smtp', (client) => {
    if (!isUp) {
      client.destroy();
      return;
    }
    const remote = join(client, connect(Number(upstream.port), upstream.hostname));
    let isTakingMail = false;
    remote.on('data', async (answer) => {
      // 354 asks for the mail. The next reply is for the mail.
      if (isTakingMail && isDropping) {
        isDropping = false;
        client.destroy();
        return;
      }
      if (isTakingMail) {
        held?.first.resolve();
        await held?.end.promise;
      }
      isTakingMail = String(answer).startsWith('354');
      // Without pipelining, so that our rejection cannot overtake a reply of the server.
      client.write(String(answer).replace('PIPELINING', 'HELP'));
    });
    const lines = createInterface({ input: client });
    // readline forwards the errors of its socket, which are handled already.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const recipient = /^RCPT TO:<([^>]*)>/i.exec(line)?.[1];
      if (recipient !== undefined) recipients.push(recipient);
      const answer = recipient === undefined ? undefined : replies.get(recipient);
      if (answer === undefined || answer.times === 0) {
        remote.write(`${line}\r\n`);
      } else {
        answer.times -= 1;
        client.write(`${answer.reply}\r\n`);
      }
    });
  });
  return {
    url,
    attempts: (address) => recipients.filter((recipient) => recipient === address).length,
    reply: (address, reply, times = Number.POSITIVE_INFINITY) => {
      replies.set(address, { reply, times });
    },
    accept: (address) => {
      replies.delete(address);
    },
    dropAcceptance() {
      isDropping = true;
    },
    holdAcceptance() {
      held = { first: Promise.withResolvers(), end: Promise.withResolvers() };
      return held.first.promise;
    },
    goDown() {
      isUp = false;
      cut();
    },
    goUp() {
      isUp = true;
      held?.end.resolve();
      held = undefined;
    },
    close,
  };
}

type RedisProxy = {
  url: string;
  goDown(): void;
  goUp(): void;
  close(): Promise<void>;
};

/** A proxy before Redis that can go down. */
export async function startRedisProxy(): Promise<RedisProxy> {
  const upstream = new URL(testEnv('REDIS_URL'));
  let isUp = true;
  const { url, cut, close } = await listen('redis', (client) => {
    if (!isUp) {
      client.destroy();
      return;
    }
    const remote = join(client, connect(Number(upstream.port), upstream.hostname));
    client.pipe(remote).pipe(client);
  });
  return {
    url,
    goDown() {
      isUp = false;
      cut();
    },
    goUp() {
      isUp = true;
    },
    close,
  };
}

/** Closes each socket with the other. */
function join(client: Socket, remote: Socket): Socket {
  remote.on('error', () => client.destroy());
  remote.on('close', () => client.destroy());
  client.on('close', () => remote.destroy());
  return remote;
}

async function listen(protocol: string, serve: (client: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.on('close', () => sockets.delete(client));
    serve(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${protocol}://127.0.0.1:${port}`,
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
