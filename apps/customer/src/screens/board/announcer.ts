/**
 * Plays calls one after the other, each in full, however fast they come. `onPlaying` hears which one is being played, and
 * null after the last.
 */
export function createAnnouncer<T>(options: {
  play(call: T): Promise<void>;
  onPlaying(call: T | null): void;
}) {
  const { play, onPlaying } = options;
  let queue: T[] = [];
  let isPlaying = false;

  async function playAll(): Promise<void> {
    isPlaying = true;
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      onPlaying(call);
      // A call that cannot be played is still on the screen; the next one must be heard.
      await play(call).catch(() => {});
    }
    isPlaying = false;
    onPlaying(null);
  }

  return {
    announce(calls: readonly T[]): void {
      queue.push(...calls);
      if (!isPlaying && queue.length > 0) void playAll();
    },
    /** Forgets the calls that have not begun. */
    clear(): void {
      queue = [];
    },
  };
}
