/*
 * Loaded on its own, in front of the app: says so when a file without which the app cannot start has been lost. The page
 * would stay empty. `build-scripts.ts` fills in the texts.
 */
declare const __TEXTS__: Record<string, { unreachable: string; reload: string }>;

addEventListener(
  'error',
  ({ target }) => {
    if (!(target instanceof HTMLScriptElement)) return;
    const language = navigator.languages
      .map((tag) => tag.slice(0, 2))
      .find((it) => it in __TEXTS__);
    const { unreachable = '', reload = '' } = __TEXTS__[language ?? 'en'] ?? {};
    document.documentElement.lang = language ?? 'en';
    document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
    const title = document.createElement('h1');
    title.textContent = unreachable;
    const button = document.createElement('button');
    button.className = 'button main';
    button.textContent = reload;
    button.addEventListener('click', () => location.reload());
    const main = document.createElement('main');
    main.className = 'empty whole';
    main.append(title, button);
    document.querySelector('qm-root')?.replaceChildren(main);
  },
  { capture: true },
);
