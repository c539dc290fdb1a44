import type { Language } from '@queue-manager/ui/text';
import type { ReactNode } from 'react';
import { allLanguages, useLanguage } from '../page/language.tsx';
import { useText } from '../page/use-text.ts';
import { Icon } from './icon.tsx';
import './shell.css';
import { texts } from './strings.ts';

/** The frame of a guest's page: the venue above, the language below. */
export function Shell({ venueName, children }: { venueName?: string; children: ReactNode }) {
  return (
    <div className="shell">
      <header className="shell-head">{venueName ?? <Brand />}</header>
      <main className="stack">{children}</main>
      <footer className="shell-foot">
        <LanguageSwitch />
      </footer>
    </div>
  );
}

function Brand() {
  return (
    <span className="brand">
      <img src="/icon.svg" alt="" width="28" height="28" />
      Queue Manager
    </span>
  );
}

export function LanguageSwitch() {
  const text = useText(texts);
  const { reader, choose } = useLanguage();
  return (
    <label className="language">
      <Icon name="globe" />
      <span className="hidden">{text('language')}</span>
      <select value={reader.language} onChange={({ target }) => choose(target.value as Language)}>
        {allLanguages.map(([language, name]) => (
          <option key={language} value={language} lang={language}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What a page shows until it knows anything. */
export function Waiting({ isUnreachable }: { isUnreachable: boolean }) {
  const text = useText(texts);
  return (
    <p className="muted waiting" role="status">
      {text(isUnreachable ? 'unreachable' : 'loading')}
    </p>
  );
}
