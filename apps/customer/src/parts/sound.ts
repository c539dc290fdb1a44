/*
 * Sounds made by the browser itself: nothing to download. A browser plays them only once its page has been touched.
 */
let context: AudioContext | null = null;
const listeners = new Set<() => void>();

/** Opened when it is needed: that takes a slow phone 50 ms. */
function audio(): AudioContext | null {
  if (context !== null) return context;
  try {
    context = new AudioContext();
  } catch {
    return null;
  }
  context.addEventListener('statechange', () => {
    for (const listener of listeners) listener();
  });
  return context;
}

/** Lets a page know whether sound is allowed before it has been touched. */
export function openSound(): void {
  audio();
}

/** Allows sound; must be called while the page is being touched. Whether the browser agrees. */
export async function allowSound(): Promise<boolean> {
  const opened = audio();
  if (opened === null) return false;
  await opened.resume().catch(() => {});
  return opened.state === 'running';
}

export const isSoundAllowed = () => context?.state === 'running';

/** Calls back when the browser begins to allow sound, or takes it away. */
export function onSoundAllowed(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Allows sound with the first touch of the page, whatever it is for. */
export function allowSoundOnTouch(): () => void {
  const ends = new AbortController();
  const allow = () => void allowSound().then((isAllowed) => isAllowed && ends.abort());
  for (const event of ['pointerup', 'keydown']) {
    window.addEventListener(event, allow, { signal: ends.signal });
  }
  return () => ends.abort();
}

/** Two notes, the second higher. Resolves when they have faded. */
export async function chime(): Promise<void> {
  const opened = audio();
  if (opened?.state !== 'running') return;
  const start = opened.currentTime + 0.02;
  for (const [at, frequency] of [
    [0, 660],
    [0.22, 880],
  ] as const) {
    const gain = opened.createGain();
    gain.gain.setValueAtTime(0, start + at);
    gain.gain.linearRampToValueAtTime(0.5, start + at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + at + 0.9);
    const note = opened.createOscillator();
    note.frequency.value = frequency;
    note.connect(gain).connect(opened.destination);
    note.start(start + at);
    note.stop(start + at + 1);
  }
  await new Promise((resolve) => setTimeout(resolve, 1_200));
}
