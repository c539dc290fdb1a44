import { kept } from '@queue-manager/ui/kept';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useLanguage } from '../../page/language.tsx';
import { useText } from '../../page/use-text.ts';
import {
  allowSoundOnTouch,
  chime,
  isSoundAllowed,
  onSoundAllowed,
  openSound,
} from '../../parts/sound.ts';
import { createAnnouncer } from './announcer.ts';
import { type Call, isNumber } from './calls.ts';
import { allowSpeech, loadVoices, speak } from './speech.ts';
import { texts } from './strings.ts';

export const soundModes = ['voice', 'chime', 'off'] as const;
export type SoundMode = (typeof soundModes)[number];

const name = 'board-sound';

/** Tells calls by a chime and a voice, or only a chime, as it was last set on this screen. */
export function useBoardSound() {
  const text = useText(texts);
  const { reader } = useLanguage();
  const [mode, setMode] = useState(() => kept.get<SoundMode>(name) ?? 'voice');
  const [playing, setPlaying] = useState<Call | null>(null);
  const isAllowed = useSyncExternalStore(onSoundAllowed, isSoundAllowed);

  const sentence = ({ label }: Call) =>
    isNumber(label) ? text('callNumber', { number: label }) : text('callName', { name: label });

  // Calls wait for their turn; each is played as the screen is set by then.
  const play = useRef(async (_: Call) => {});
  useEffect(() => {
    play.current = async (call) => {
      await chime();
      if (mode === 'voice') await speak(sentence(call), reader.tag);
    };
  });
  const [announcer] = useState(() =>
    createAnnouncer<Call>({ play: (call) => play.current(call), onPlaying: setPlaying }),
  );

  useEffect(loadVoices, []);
  useEffect(openSound, []);
  useEffect(() => {
    if (isAllowed || mode === 'off') return;
    const stop = allowSoundOnTouch();
    window.addEventListener('pointerup', allowSpeech, { once: true });
    return () => {
      stop();
      window.removeEventListener('pointerup', allowSpeech);
    };
  }, [isAllowed, mode]);

  return {
    mode,
    setMode(chosen: SoundMode) {
      kept.set(name, chosen);
      setMode(chosen);
      if (chosen === 'off') announcer.clear();
    },
    /** Whether calls are silent until somebody touches the screen. */
    needsTouch: mode !== 'off' && !isAllowed,
    /** The call that is being played. */
    playing,
    sentence,
    announce(calls: readonly Call[]) {
      if (mode !== 'off' && isAllowed) announcer.announce(calls);
    },
  };
}
