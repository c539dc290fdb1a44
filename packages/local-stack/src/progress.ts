import { Presets, SingleBar } from 'cli-progress';
import { say } from './terminal.ts';

interface Progress {
  onProgress(done: number, total: number): void;
  /** A note beside the progress; null removes it. */
  note(text: string | null): void;
  /** Also restores the terminal. */
  end(): void;
}

/** Progress on standard error: a bar on a terminal, otherwise a line for every tenth. */
export function createProgress(): Progress {
  if (!process.stderr.isTTY) {
    let lastTenths = 0;
    let lastNote: string | null = null;
    return {
      onProgress(done: number, total: number) {
        const tenths = Math.floor((done * 10) / Math.max(total, 1));
        if (tenths === lastTenths) return;
        lastTenths = tenths;
        say(`${tenths * 10} % (${done} of ${total})`);
      },
      note(text: string | null) {
        if (text !== null && text !== lastNote) say(text);
        lastNote = text;
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
