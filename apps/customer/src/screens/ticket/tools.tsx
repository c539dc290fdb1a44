import type { GuestParty } from '@queue-manager/contracts/guests';
import { copy } from '@queue-manager/ui/copy';
import { useEffect, useState } from 'react';
import { useText } from '../../page/use-text.ts';
import { canWakeLock, useWakeLock } from '../../page/use-wake-lock.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { allowSound, chime, isSoundAllowed, onSoundAllowed } from '../../parts/sound.ts';
import { texts } from './strings.ts';
import './tools.css';

/** Sound, a screen that stays on, and sharing. */
export function Tools(props: {
  party: GuestParty;
  isSilent: boolean;
  onSilent(isSilent: boolean): void;
}) {
  const { party, isSilent, onSilent } = props;
  const text = useText(texts);
  const [isKeptOn, setKeptOn] = useState(false);
  useWakeLock(isKeptOn, () => setKeptOn(false));
  const [isCopied, setCopied] = useState(false);

  const isAllowed = useSoundAllowed();
  const isHeard = isAllowed && !isSilent;

  async function switchSound(): Promise<void> {
    onSilent(isHeard);
    // What it will sound like; and this touch allows it.
    if (!isHeard && (await allowSound())) await chime();
  }

  async function share(): Promise<void> {
    const url = location.href;
    const title = `${party.queueName} · ${party.venueName}`;
    if (navigator.share !== undefined) {
      await navigator
        .share({ title, text: text('shareText', { number: party.number }), url })
        .catch(() => {});
      return;
    }
    setCopied(await copy(url));
  }

  return (
    <>
      <div className="tools">
        <Button
          icon={isHeard ? 'sound' : 'soundOff'}
          aria-pressed={isHeard}
          onClick={() => void switchSound()}
        >
          {text('sound')}
        </Button>
        {canWakeLock && (
          <Button icon="sun" aria-pressed={isKeptOn} onClick={() => setKeptOn(!isKeptOn)}>
            {text('keepScreenOn')}
          </Button>
        )}
        <Button icon="share" onClick={() => void share()}>
          {text('share')}
        </Button>
      </div>
      <Notice icon="check">{isCopied && text('copied')}</Notice>
    </>
  );
}

/** The touch that allows the sound may be on the button itself, which must not switch it off by the same touch. */
const touchMs = 300;

function useSoundAllowed(): boolean {
  const [isAllowed, setAllowed] = useState(isSoundAllowed);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onSoundAllowed(() => {
      clearTimeout(timer);
      timer = setTimeout(() => setAllowed(isSoundAllowed()), touchMs);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, []);
  return isAllowed;
}
