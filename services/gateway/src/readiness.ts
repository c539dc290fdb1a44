import type { ReadinessCheck } from '@queue-manager/service-kit/create-app';

const timeoutMs = 2_000;

/** A check for each service with an address: that it answers `/readyz` with 200. */
export function readinessOf(
  services: Record<string, string | undefined>,
): Record<string, ReadinessCheck> {
  return Object.fromEntries(
    Object.entries(services).flatMap(([name, baseUrl]) =>
      baseUrl === undefined ? [] : [[name, () => askReadiness(baseUrl)]],
    ),
  );
}

async function askReadiness(baseUrl: string): Promise<void> {
  const answer = await fetch(new URL('/readyz', baseUrl), {
    signal: AbortSignal.timeout(timeoutMs),
  });
  await answer.body?.cancel();
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
}
