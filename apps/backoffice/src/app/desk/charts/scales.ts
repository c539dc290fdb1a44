import { scaleBand, scaleLinear } from 'd3-scale';

export const chartHeight = 264;
const margin = { top: 20, bottom: 30, start: 48, end: 8 };
/** At least so much, so that the axis has whole numbers. */
const topMin = 4;
/** Of a letter at the size of the labels, about. */
const letterWidth = 8;

/** The axes of a chart of columns. From right to left, the first column is on the right, as one reads. */
export function axesOf(options: {
  width: number;
  labels: readonly string[];
  max: number;
  isRightToLeft: boolean;
}) {
  const { width, labels, isRightToLeft } = options;
  const [left, right] = isRightToLeft
    ? [margin.end, width - margin.start]
    : [margin.start, width - margin.end];
  const x = scaleBand<number>(labels.keys(), isRightToLeft ? [right, left] : [left, right])
    .paddingInner(0.28)
    .paddingOuter(0.14);
  const bottom = chartHeight - margin.bottom;
  const y = scaleLinear([0, Math.max(options.max, topMin)], [bottom, margin.top]).nice(4);
  const widest = Math.max(...labels.map(({ length }) => length), 1) * letterWidth + letterWidth;
  const every = Math.max(1, Math.ceil(widest / (x.step() || 1)));
  return {
    x,
    y,
    bottom,
    left,
    right,
    ticks: y.ticks(4).map((value) => ({ value, y: y(value) })),
    tickX: isRightToLeft ? width : margin.start - 8,
    labels: labels.flatMap((text, index) =>
      index % every === 0 ? [{ text, x: (x(index) ?? 0) + x.bandwidth() / 2 }] : [],
    ),
    labelY: chartHeight - 10,
  };
}
