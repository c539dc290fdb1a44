import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How long after its last response a service that refuses connections counts as restarting, not as down. */
const restartMsMax = 15_000;
const probeEveryMs = 100;

/** Lets calls wait for a service that is restarting. */
export type Restarts = {
  /** The service has responded. */
  responded(): void;
  /**
   * Whether a service that refuses connections accepts them again within `ms`. False at once unless it has responded a
   * moment ago: calls to a service that is down must not pile up.
   */
  isOver(ms: number): Promise<boolean>;
};

/** One probe for all calls that wait, on behalf of the service at these addresses. */
export function createRestarts(urls: readonly string[]): Restarts {
  let respondedAt = Number.NEGATIVE_INFINITY;
  let probing: Promise<boolean> | undefined;

  const isRecent = () => performance.now() - respondedAt < restartMsMax;

  async function probe(): Promise<boolean> {
    while (isRecent()) {
      const accepted = await Promise.all(urls.map(accepts));
      if (accepted.includes(true)) return true;
      await delay(probeEveryMs);
    }
    return false;
  }

  return {
    responded() {
      respondedAt = performance.now();
    },
    async isOver(ms) {
      if (!isRecent()) return false;
      probing ??= probe().finally(() => {
        probing = undefined;
      });
      return Promise.race([probing, delay(ms, false, { ref: false })]);
    },
  };
}

async function accepts(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    timeout: restartMsMax,
  });
  socket.on('timeout', () => socket.destroy(new Error('no connection in time')));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
