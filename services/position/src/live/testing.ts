import { get, type IncomingMessage } from 'node:http';
import { until } from '@queue-manager/service-kit/testing';

export type StreamEvent = { name: string; data: unknown; id?: string };

export type TestStream = {
  status: number;
  headers: IncomingMessage['headers'];
  events: StreamEvent[];
  /** All that came, comments and all. */
  text(): string;
  isEnded(): boolean;
  /** What came last. */
  last<T>(): T;
  /** Waits until what came last is so. */
  lastIs<T>(what: string, isSo: (data: T) => boolean): Promise<T>;
  ended(): Promise<unknown>;
  pause(): void;
  resume(): void;
  close(): void;
};

/** Opens a stream over a connection of its own, and keeps what comes; `onEvent` hears of each event as it comes. */
export function openStream(
  url: string,
  options: { headers?: Record<string, string>; onEvent?: (event: StreamEvent) => void } = {},
): Promise<TestStream> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: options.headers ?? {}, agent: false }, (response) => {
      let text = '';
      let rest = '';
      let isEnded = false;
      const events: StreamEvent[] = [];
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() as string;
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
      response.on('end', onEnd);
      response.on('close', onEnd);
      response.on('error', onEnd);
      const last = <T>() => events.at(-1)?.data as T;
      resolve({
        status: response.statusCode as number,
        headers: response.headers,
        events,
        text: () => text,
        isEnded: () => isEnded,
        last,
        async lastIs<T>(what: string, isSo: (data: T) => boolean) {
          await until(what, () => events.length > 0 && isSo(last<T>()));
          return last<T>();
        },
        ended: () => until('the stream ends', () => isEnded),
        pause: () => response.pause(),
        resume: () => response.resume(),
        close: () => request.destroy(),
      });
    });
    request.on('error', reject);
  });
}
