import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingHttpHeaders } from 'node:http';
import { constants } from 'node:http2';
import type { Readable } from 'node:stream';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { problems } from '@queue-manager/service-kit/problems';
import type { SharedConnections } from '@queue-manager/service-kit/shared-connections';
import { until } from '@queue-manager/service-kit/testing';

export type Staff = { userId: string; exp?: number };

/** Test tokens name their account and expiry; the service kit tests the verification of real ones. */
export const tokenOf = (staff: Staff) => Buffer.from(JSON.stringify(staff)).toString('base64url');

export const verifyAccessToken: VerifyAccessToken = async (token) => {
  try {
    const { userId, exp } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Staff;
    const end = exp ?? systemClock.now().getTime() / 1_000 + 900;
    return { sub: userId, sid: randomUUID(), iat: 0, exp: end } as never;
  } catch {
    throw problems.unauthenticated();
  }
};

export type StreamEvent = { name: string; data: unknown; id?: string };

export type TestStream = {
  status: number;
  headers: IncomingHttpHeaders;
  events: StreamEvent[];
  /** All text received, including comments. */
  text(): string;
  isEnded(): boolean;
  /** Data of the last event. */
  last<T>(): T;
  /** Waits until the data of the last event satisfies the condition. */
  lastIs<T>(what: string, condition: (data: T) => boolean): Promise<T>;
  ended(): Promise<unknown>;
  pause(): void;
  resume(): void;
  close(): void;
};

type Answer = { status: number; headers: IncomingHttpHeaders; body: Readable; close(): void };

/** Opens a stream on its own connection, or `on` a shared one, and collects its events. */
export async function openStream(
  url: string,
  options: {
    headers?: Record<string, string>;
    on?: SharedConnections;
    onEvent?: (event: StreamEvent) => void;
  } = {},
): Promise<TestStream> {
  const { headers = {}, on } = options;
  const answer = await (on === undefined ? ask(url, headers) : askOn(on, url, headers));
  const { status, body, close } = answer;
  let text = '';
  let partial = '';
  let isEnded = false;
  const events: StreamEvent[] = [];
  body.setEncoding('utf8');
  body.on('data', (chunk: string) => {
    text += chunk;
    const blocks = (partial + chunk).split('\n\n');
    partial = blocks.pop() as string;
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => {
          const colon = line.indexOf(': ');
          return [line.slice(0, colon), line.slice(colon + 2)];
        }),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      const id = fields.get('id');
      const event = {
        name: fields.get('event') ?? 'message',
        data: JSON.parse(data),
        ...(id === undefined ? {} : { id }),
      };
      events.push(event);
      options.onEvent?.(event);
    }
  });
  const onEnd = () => {
    isEnded = true;
  };
  body.on('end', onEnd);
  body.on('close', onEnd);
  body.on('error', onEnd);
  const last = <T>() => events.at(-1)?.data as T;
  return {
    status,
    headers: answer.headers,
    events,
    text: () => text,
    isEnded: () => isEnded,
    last,
    async lastIs<T>(what: string, condition: (data: T) => boolean) {
      await until(what, () => events.length > 0 && condition(last<T>()));
      return last<T>();
    },
    ended: () => until('the stream ends', () => isEnded),
    pause: () => body.pause(),
    resume: () => body.resume(),
    close,
  };
}

function ask(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, (response) => {
      resolve({
        status: response.statusCode as number,
        headers: response.headers,
        body: response,
        close: () => request.destroy(),
      });
    });
    request.on('error', reject);
  });
}

async function askOn(
  connections: SharedConnections,
  url: string,
  requestHeaders: Record<string, string>,
): Promise<Answer> {
  const { origin, pathname, search } = new URL(url);
  const connection = await connections.to(origin);
  const body = connection.request({ ':path': pathname + search, ...requestHeaders });
  const [{ ':status': status, ...headers }] = await once(body, 'response');
  return { status, headers, body, close: () => body.close(constants.NGHTTP2_CANCEL) };
}
