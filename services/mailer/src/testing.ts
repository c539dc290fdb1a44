import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type EventOf, type MailContent, makeEvent } from '@queue-manager/contracts/events';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { testEnv, uniqueName, until } from '@queue-manager/service-kit/testing';

/** A mail as the inbox's HTTP API gives it. */
export type ReceivedMail = {
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  from: { address: string; name: string }[];
  to: { address: string; name: string }[];
  envelope: { to: { address: string }[] };
};

/** An address that no other test has. */
export function uniqueAddress(name: string): string {
  return `${uniqueName(name)}@example.com`;
}

/** What the inbox holds for an address. */
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
): EventOf<'mail.requested'> {
  return makeEvent({
    id: newId(systemClock),
    source: '/user',
    type: 'mail.requested',
    subject: newId(systemClock),
    time: systemClock.now().toISOString(),
    data: { to, locale, content },
  });
}

export const verifyAccount = {
  template: 'verify-account',
  name: 'Ana',
  link: 'https://queue.example/verify?token=AbC-123_xyz',
} as const satisfies MailContent;

/** What every mail of a party tells. */
export const partyFacts = {
  name: 'Ana',
  number: 42,
  venueName: 'Café Zé',
  queueName: 'Tables',
  link: 'https://queue.example/t/AbCdEf',
};

export const partyCalled = {
  template: 'party-called',
  graceSeconds: 300,
  ...partyFacts,
} as const satisfies MailContent;

export type SmtpFront = {
  url: string;
  /** How often a recipient was offered. */
  offers(address: string): number;
  refuse(address: string): void;
  /** Cuts every connection and takes no more. */
  goAway(): void;
  comeBack(): void;
  close(): Promise<void>;
};

/** Stands before the inbox's SMTP server: refuses recipients for ever, or goes away. */
export async function startSmtpFront(): Promise<SmtpFront> {
  const upstream = new URL(testEnv('SMTP_URL'));
  const refused = new Set<string>();
  const offered: string[] = [];
  const sockets = new Set<Socket>();
  let isUp = true;

  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.on('close', () => sockets.delete(client));
    if (!isUp) {
      client.destroy();
      return;
    }
    const remote = connect(Number(upstream.port), upstream.hostname);
    remote.on('error', () => client.destroy());
    remote.on('close', () => client.destroy());
    client.on('close', () => remote.destroy());
    // Without pipelining, so that a refusal of ours cannot overtake an answer of the server.
    remote.on('data', (answer) => client.write(String(answer).replace('PIPELINING', 'HELP')));
    const lines = createInterface({ input: client });
    // It hands on the errors of its socket, which are handled above.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const recipient = /^RCPT TO:<([^>]*)>/i.exec(line)?.[1];
      if (recipient !== undefined) offered.push(recipient);
      if (recipient !== undefined && refused.has(recipient)) {
        client.write(`550 5.1.1 <${recipient}> is unknown here\r\n`);
      } else {
        remote.write(`${line}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `smtp://127.0.0.1:${port}`,
    offers: (address) => offered.filter((recipient) => recipient === address).length,
    refuse: (address) => {
      refused.add(address);
    },
    goAway() {
      isUp = false;
      cut();
    },
    comeBack() {
      isUp = true;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
