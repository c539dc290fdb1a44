/** Where a screen stands, in pixels, at the given minute: eight places around the center, so that no edge burns in. */
export function shiftAt(minute: number): { x: number; y: number } {
  const angle = ((minute % 8) * Math.PI) / 4;
  return { x: Math.round(6 * Math.cos(angle)), y: Math.round(6 * Math.sin(angle)) };
}
