/*
 * Loaded on its own, in front of an app: says so when a file without which the app cannot start has been lost. The page
 * would stay empty. The app's build fills in the texts, the element that the app is in, and the classes of
 * the message and of its frame.
 */
declare const __TEXTS__: Record<string, { failed: string; reload: string }>;
declare const __ROOT__: string;
declare const __CLASS__: string;
declare const __FRAME__: string;

const texts = __TEXTS__;

addEventListener(
  'error',
  ({ target }) => {
    if (!(target instanceof HTMLScriptElement)) return;
    const language = navigator.languages.map((tag) => tag.slice(0, 2)).find((it) => it in texts);
    const { failed = '', reload = '' } = texts[language ?? 'en'] ?? {};
    document.documentElement.lang = language ?? 'en';
    document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
    const title = document.createElement('h1');
    title.textContent = failed;
    const button = document.createElement('button');
    button.className = 'button main';
    button.textContent = reload;
    button.addEventListener('click', () => location.reload());
    const main = document.createElement('main');
    main.className = __CLASS__;
    main.append(title, button);
    const frame = document.createElement('div');
    frame.className = __FRAME__;
    frame.append(main);
    document.querySelector(__ROOT__)?.replaceChildren(frame);
  },
  { capture: true },
);
