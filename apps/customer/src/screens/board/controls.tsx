import type { IconName } from '@queue-manager/ui/icons';
import { kept } from '@queue-manager/ui/kept';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useText } from '../../page/use-text.ts';
import { Button } from '../../parts/button.tsx';
import { Icon } from '../../parts/icon.tsx';
import { LanguageSwitch } from '../../parts/shell.tsx';
import { texts } from './strings.ts';
import { type SoundMode, soundModes } from './use-board-sound.ts';

/** What whoever hangs up the screen sets; out of sight while nobody touches it. */
export function Controls(props: { sound: SoundMode; onSound(mode: SoundMode): void }) {
  const text = useText(texts);
  const [theme, setTheme] = useTheme();
  return (
    <>
      <Choice
        icon={props.sound === 'off' ? 'soundOff' : 'sound'}
        label={text('sound')}
        value={props.sound}
        options={soundModes.map((mode) => [mode, text(soundTexts[mode])])}
        onChange={props.onSound}
      />
      <Choice
        icon="sun"
        label={text('colors')}
        value={theme}
        options={themes.map((option) => [option, text(option)])}
        onChange={setTheme}
      />
      <LanguageSwitch />
      <FullScreenButton />
    </>
  );
}

const soundTexts = { voice: 'soundVoice', chime: 'soundChime', off: 'soundOff' } as const;

function Choice<T extends string>(props: {
  icon: IconName;
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange(value: T): void;
}) {
  return (
    <label className="language">
      <Icon name={props.icon} />
      <span className="hidden">{props.label}</span>
      <select value={props.value} onChange={({ target }) => props.onChange(target.value as T)}>
        {props.options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

/** Televisions have no light or dark setting of their own. */
function useTheme() {
  const [theme, setTheme] = useState(() => kept.get<Theme>('board-theme') ?? 'auto');
  useEffect(() => {
    const { dataset } = document.documentElement;
    dataset.theme = theme;
    return () => {
      delete dataset.theme;
    };
  }, [theme]);
  const choose = (chosen: Theme) => {
    kept.set('board-theme', chosen);
    setTheme(chosen);
  };
  return [theme, choose] as const;
}

function FullScreenButton() {
  const text = useText(texts);
  const isFull = useSyncExternalStore(onFullScreen, () => document.fullscreenElement !== null);
  if (!document.fullscreenEnabled) return null;
  return (
    <Button
      look="quiet"
      icon="fullscreen"
      onClick={() => {
        const changed = isFull
          ? document.exitFullscreen()
          : document.documentElement.requestFullscreen();
        changed.catch(() => {});
      }}
    >
      {text(isFull ? 'leaveFullScreen' : 'fullScreen')}
    </Button>
  );
}

function onFullScreen(listener: () => void) {
  document.addEventListener('fullscreenchange', listener);
  return () => document.removeEventListener('fullscreenchange', listener);
}
