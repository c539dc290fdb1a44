/** Lengths of passwords in characters, without the schemas that apps do without. */
export const passwordLength = { min: 8, max: 128 } as const;
