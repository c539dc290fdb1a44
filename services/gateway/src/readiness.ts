import type { ReadinessCheck } from '@queue-manager/service-kit/create-app';

const timeoutMs = 2_000;

/**
 * A check for each service with an address: that it answers `/readyz` with 200; of a service with several
 * processes, that one of them does.
 */
export function readinessOf(
  services: Record<string, string | readonly string[] | undefined>,
): Record<string, ReadinessCheck> {
  return Object.fromEntries(
    Object.entries(services).flatMap(([name, baseUrls]) => {
      if (baseUrls === undefined) return [];
      const checks = [baseUrls].flat().map(readinessCheck);
      return [[name, () => Promise.any(checks.map((check) => check()))]];
    }),
  );
}

/** Callers at the same time share one question, so that asking the gateway often asks the services little. */
function readinessCheck(baseUrl: string): ReadinessCheck {
  let pending: Promise<void> | undefined;
  return () => {
    pending ??= ask(new URL('/readyz', baseUrl)).finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

async function ask(url: URL): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  await answer.body?.cancel();
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
}
