/**
 * A label as one line, or as two if it is longer than `oneLineEm`, and the width of the longer one. Widths are in units of
 * the type size.
 */
export function fitLabel(
  label: string,
  oneLineEm: number,
  measureEm: (text: string) => number,
): { lines: string[]; widthEm: number } {
  const whole = measureEm(label);
  const words = label.trim().split(/\s+/);
  if (whole <= oneLineEm || words.length === 1) return { lines: [label], widthEm: whole };
  const splits = words.slice(1).map((_, at) => {
    const lines = [words.slice(0, at + 1).join(' '), words.slice(at + 1).join(' ')];
    return { lines, widthEm: Math.max(...lines.map(measureEm)) };
  });
  return splits.reduce((best, split) => (split.widthEm < best.widthEm ? split : best));
}

/** The width of text in units of its type size, in the page's font at the weight of labels. */
export function measureEm(text: string): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (context === null) return text.length * 0.6;
  context.font = `700 100px ${getComputedStyle(document.documentElement).fontFamily}`;
  return context.measureText(text).width / 100;
}

let context: CanvasRenderingContext2D | null = null;
