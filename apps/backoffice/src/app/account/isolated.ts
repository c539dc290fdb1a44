/** A name inside a text, which may run in the other direction. */
export const isolated = (name: string) => `\u2068${name}\u2069`;
