import type { limits as contractLimits } from '@queue-manager/contracts/values';

/** Of the contract, whose file would bring its schemas along; the type refuses other values. */
export const limits = {
  snoozePlacesMax: 10,
} satisfies Partial<typeof contractLimits>;
