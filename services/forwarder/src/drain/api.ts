import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { type ContactRequest, isPublic } from './target.ts';

export type Reply = {
  status: number;
  /** When the API wants the next request, from `Retry-After`. */
  retryAt: Date | undefined;
  /** The beginning of the body. */
  text: string;
};

export type Api = {
  /** Sends a request. Throws when there is no reply in time. Follows no redirect. */
  send(contact: ContactRequest, now: Date): Promise<Reply>;
  close(): Promise<void>;
};

const textBytesMax = 4_096;
/** Of a reply that is not wanted, before its connection is closed. */
const dumpBytesMax = 65_536;

/** Thrown instead of connecting to a private address. */
export class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress';
}

/** The connection to the external API: without `allowPrivate`, names that lead to private addresses are refused. */
export function createApi(options: { timeoutMs: number; allowPrivate: boolean }): Api {
  const { timeoutMs, allowPrivate } = options;
  const dispatcher = new Agent({
    connections: 1,
    connect: { timeout: timeoutMs, ...(allowPrivate ? {} : { lookup: lookupPublic }) },
  });
  return {
    async send({ url, method, headers, body }, now) {
      const reply = await request(url, {
        method,
        headers: { 'user-agent': 'queue-manager', ...headers },
        body,
        dispatcher,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { statusCode: status } = reply;
      // The status decides. What is wrong with the body does not.
      const text = isSuccess(status)
        ? await reply.body.dump({ limit: dumpBytesMax }).then(
            () => '',
            () => '',
          )
        : await startOf(reply.body);
      return { status, retryAt: retryAtOf(reply.headers['retry-after'], now), text };
    },
    close: () => dispatcher.destroy(),
  };
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const isPrivate = addresses.some(({ address }) => !isPublic(address));
    if (isPrivate) return callback(new PrivateAddress('The target has a private address'), '', 0);
    if (options.all) return callback(null, addresses);
    const [{ address, family } = { address: '', family: 0 }] = addresses;
    return callback(null, address, family);
  });
};

async function startOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= textBytesMax) break;
    }
  } catch {
    // What came before the connection broke or the time was over is enough.
  }
  return Buffer.concat(chunks).subarray(0, textBytesMax).toString();
}

/** Seconds or a date (RFC 9110). Undefined when it is neither, or past. */
function retryAtOf(header: string | string[] | undefined, now: Date): Date | undefined {
  const value = [header].flat()[0]?.trim() ?? '';
  const time = /^\d+$/.test(value) ? now.getTime() + Number(value) * 1_000 : Date.parse(value);
  return time > now.getTime() ? new Date(time) : undefined;
}
