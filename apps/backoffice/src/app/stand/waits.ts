import type { Estimate } from '@queue-manager/contracts/values';
import { numberFormat } from '@queue-manager/ui/formats';
import type { Reader } from '@queue-manager/ui/text';

const minute = { style: 'unit', unit: 'minute', unitDisplay: 'short' } as const;

/** Whole minutes, in as little room as possible: "14 min". */
export function minutes({ tag }: Reader, ms: number): string {
  return numberFormat(tag, minute).format(Math.max(0, Math.floor(ms / 60_000)));
}

/** The range of an estimated wait: "10–25 min". */
export function minutesRange({ tag }: Reader, { p10, p90 }: Pick<Estimate, 'p10' | 'p90'>): string {
  const low = Math.floor(p10 / 60);
  const high = Math.max(low, Math.ceil(p90 / 60));
  const format = numberFormat(tag, minute);
  return low === high ? format.format(high) : format.formatRange(low, high);
}
