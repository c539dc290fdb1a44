import { Presets, SingleBar } from 'cli-progress';
import { say } from './terminal.ts';

export interface Progress {
  onProgress(done: number, total: number): void;
  /** What goes on beside it; null when nothing does. */
  note(text: string | null): void;
  /** Also gives the terminal back as it was. */
  end(): void;
}

/** Progress on standard error: a bar on a terminal; elsewhere a line every tenth of the way. */
export function createProgress(): Progress {
  if (!process.stderr.isTTY) {
    let saidTenths = 0;
    let saidNote: string | null = null;
    return {
      onProgress(done: number, total: number) {
        const tenths = Math.floor((done * 10) / Math.max(total, 1));
        if (tenths === saidTenths) return;
        saidTenths = tenths;
        say(`${tenths * 10} % (${done} of ${total})`);
      },
      note(text: string | null) {
        if (text !== null && text !== saidNote) say(text);
        saidNote = text;
      },
      end() {},
    };
  }
  const bar = new SingleBar(
    { format: '{bar} {percentage} % | {value} of {total} | {note}', stream: process.stderr },
    Presets.shades_classic,
  );
  let note = '';
  return {
    onProgress(done: number, total: number) {
      if (done === 0) bar.start(total, 0, { note });
      else bar.update(done, { note });
    },
    note(text: string | null) {
      note = text ?? '';
      if (bar.isActive) bar.update({ note });
    },
    end: () => bar.stop(),
  };
}
