/** The numbers behind a chart, as its table shows them and its file contains them. The first cell names the row. */
export type TableData = {
  heads: readonly string[];
  rows: readonly (readonly (string | number | null)[])[];
};

/** RFC 4180, with the mark by which spreadsheets know UTF-8. */
export function csvOf({ heads, rows }: TableData): string {
  const cell = (value: string | number | null) =>
    typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '');
  return `\uFEFF${[heads, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')}`;
}

/** Hands a file to the browser's downloads. */
export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
