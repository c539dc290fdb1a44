import { create } from 'qrcode';

/** Light modules that the standard asks for around the code. */
const quiet = 4;

/** A QR code as one path, with a rectangle for each run of dark modules in a row. */
export function qrPath(modules: { size: number; get(row: number, column: number): number }) {
  const runs: string[] = [];
  for (let row = 0; row < modules.size; row += 1) {
    for (let column = 0; column < modules.size; column += 1) {
      const start = column;
      while (column < modules.size && modules.get(row, column)) column += 1;
      if (column > start)
        runs.push(`M${start + quiet} ${row + quiet}h${column - start}v1H${start + quiet}z`);
    }
  }
  return { size: modules.size + 2 * quiet, path: runs.join('') };
}

/** The QR code of a text, as one path. */
export function qrCodeOf(text: string): { size: number; path: string } {
  return qrPath(create(text, { errorCorrectionLevel: 'M' }).modules);
}
