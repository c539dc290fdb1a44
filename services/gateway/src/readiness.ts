import type { ReadinessCheck } from '@queue-manager/service-kit/create-app';

const timeoutMs = 2_000;

/**
 * Readiness checks of the services with a URL: `/readyz` responds with 200, of at least one process.
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

/** Concurrent checks share one request, so that polling the gateway puts little load on the services. */
function readinessCheck(baseUrl: string): ReadinessCheck {
  let pending: Promise<void> | undefined;
  return () => {
    pending ??= check(new URL('/readyz', baseUrl)).finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

async function check(url: URL): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  await response.body?.cancel();
  if (response.status !== 200) throw new Error(`responded with ${response.status}`);
}
