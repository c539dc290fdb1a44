/** Limits of what people enter, without the schemas that apps do without. */
export const fieldLimits = {
  titleLengthMax: 80,
  textLengthMax: 2_000,
  partySizeMax: 100,
  waitingMax: 1_000_000,
  callGraceSecondsMax: 24 * 60 * 60,
  capacityMax: 1_000_000,
  retentionDaysMax: 3_650,
} as const;

/** In characters. */
export const passwordLength = { min: 8, max: 128 } as const;
