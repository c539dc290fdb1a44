/** How long a voice may take for a text before the next call must not wait any longer. */
const speechMsMax = (text: string) => 4_000 + 150 * text.length;

type Voice = Pick<SpeechSynthesisVoice, 'lang' | 'localService' | 'default'>;

/** The best voice of a language: of its region, on the device itself, the device's own choice. Null if there is none. */
export function voiceFor<V extends Voice>(voices: readonly V[], tag: string): V | null {
  const wanted = new Intl.Locale(tag);
  // Android writes en_US.
  const partsOf = ({ lang }: Voice) => lang.toLowerCase().split(/[-_]/);
  const score = (voice: V) =>
    4 * Number(partsOf(voice)[1] === wanted.region?.toLowerCase()) +
    2 * Number(voice.localService) +
    Number(voice.default);
  const ofLanguage = voices.filter((voice) => partsOf(voice)[0] === wanted.language);
  return ofLanguage.reduce<V | null>(
    (best, voice) => (best === null || score(voice) > score(best) ? voice : best),
    null,
  );
}

/** Speaks a text; does nothing if the device has no voice for its language. Always resolves. */
export function speak(text: string, tag: string): Promise<void> {
  const synthesis = globalThis.speechSynthesis as SpeechSynthesis | undefined;
  const voice = synthesis === undefined ? null : voiceFor(synthesis.getVoices(), tag);
  if (synthesis === undefined || voice === null) return Promise.resolve();
  return new Promise((resolve) => {
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.voice = voice;
    utterance.lang = voice.lang;
    utterance.rate = 0.9;
    const end = () => {
      clearTimeout(timeout);
      resolve();
    };
    // A synthesizer that has got stuck never says so.
    const timeout = setTimeout(() => {
      synthesis.cancel();
      resolve();
    }, speechMsMax(text));
    utterance.onend = end;
    utterance.onerror = end;
    synthesis.resume();
    synthesis.speak(utterance);
  });
}

/** Browsers load the voices after they are first asked for. */
export function loadVoices(): void {
  (globalThis.speechSynthesis as SpeechSynthesis | undefined)?.getVoices();
}

/** Some browsers want the first word while the page is being touched. */
export function allowSpeech(): void {
  const synthesis = globalThis.speechSynthesis as SpeechSynthesis | undefined;
  if (synthesis?.speaking === false) synthesis.speak(new SpeechSynthesisUtterance(''));
}
