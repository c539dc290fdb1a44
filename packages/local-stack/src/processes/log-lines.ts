import { styleText } from 'node:util';

const levels: Record<number, { name: string; style: Parameters<typeof styleText>[0] }> = {
  10: { name: 'trace', style: 'gray' },
  20: { name: 'debug', style: 'gray' },
  30: { name: 'info', style: 'green' },
  40: { name: 'warn', style: 'yellow' },
  50: { name: 'error', style: 'red' },
  60: { name: 'fatal', style: 'red' },
};

/** Shown by the prefix, or useless to a reader. */
const hidden = new Set(['level', 'time', 'msg', 'name', 'pid', 'hostname', 'err']);

/**
 * Formats a line of a service's JSON log for reading: time, level, message, then the other fields as name=value; the
 * stack of an error on its own lines. A line that is not JSON is returned unchanged.
 *
 * @param colours whether to use terminal colours.
 */
export function readableLine(line: string, colours: boolean): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(style, text, { validateStream: false }) : text;
  const level = levels[Number(entry.level)] ?? { name: String(entry.level), style: 'white' };
  const fields = Object.entries(entry)
    .filter(([name]) => !hidden.has(name))
    .map(([name, value]) => paint('gray', `${name}=${plain(value)}`));
  const parts = [
    paint('gray', timeOf(entry.time)),
    paint(level.style, level.name.padEnd(5)),
    String(entry.msg ?? ''),
    ...fields,
  ];
  const { err } = entry;
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${err.stack}` : '';
  return parts.filter((part) => part !== '').join(' ') + stack;
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function timeOf(time: unknown): string {
  const date = new Date(time as string | number);
  return Number.isNaN(date.getTime()) ? '' : date.toTimeString().slice(0, 8);
}

const prefixStyles = ['cyan', 'magenta', 'blue', 'yellow', 'green', 'red'] as const;

/**
 * Returns a function that prints lines of several programs, each prefixed with the program's name.
 *
 * @param names of all programs, to align the prefixes and assign their colours.
 */
export function prefixedOutput(
  names: string[],
  write: (text: string) => void,
  colours: boolean,
): (name: string, line: string) => void {
  const width = Math.max(...names.map((name) => name.length));
  return (name, line) => {
    const style = prefixStyles[names.indexOf(name) % prefixStyles.length] ?? 'white';
    const label = `${name.padEnd(width)} |`;
    const prefix = colours ? styleText(style, label, { validateStream: false }) : label;
    for (const part of readableLine(line, colours).split('\n')) write(`${prefix} ${part}\n`);
  };
}
