import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type Rollup, transformWithOxc } from 'vite';
import { texts } from './src/parts/strings.ts';

/** Screens of a venue's own devices: a guest's phone does not keep their files. */
const venueScreens = /\/screens\/(board|kiosk)\//;

const sharedSource = (name: string) => join(import.meta.dirname, '../../packages/ui/src', name);

/** Builds the script that says when a file without which the app cannot start was lost, and puts it in front of the app. */
function lostFile(): Plugin {
  const source = sharedSource('lost-file.ts');
  const lostTexts = Object.entries(texts).map(([language, { failed, reload }]) => {
    return [language, { failed, reload }] as const;
  });
  return {
    name: 'lost-file',
    apply: 'build',
    enforce: 'post',
    async generateBundle(_options, bundle) {
      const { code } = await transformWithOxc(readFileSync(source, 'utf8'), source, {
        define: {
          __TEXTS__: JSON.stringify(Object.fromEntries(lostTexts)),
          __ROOT__: JSON.stringify('#root'),
          __CLASS__: JSON.stringify('stack'),
          __FRAME__: JSON.stringify('shell'),
        },
      });
      const hash = createHash('sha256').update(code).digest('base64url').slice(0, 8);
      const fileName = `assets/start-${hash}.js`;
      this.emitFile({ type: 'asset', fileName, source: code });
      const page = bundle['index.html'] as Rollup.OutputAsset;
      page.source = String(page.source).replace(
        '<script ',
        `<script src="/${fileName}" defer></script><script `,
      );
    },
  };
}

/**
 * Builds /sw.js, which is not a module and has no hash in its name: the browser asks for it by that name. Fills in what
 * it keeps, and a name for its cache that changes with any of these files.
 */
function serviceWorker(): Plugin {
  const source = sharedSource('worker/sw.ts');
  const icons = join(import.meta.dirname, 'public');
  return {
    name: 'service-worker',
    apply: 'build',
    enforce: 'post',
    async generateBundle(_options, bundle) {
      const contents = new Map<string, string | Uint8Array>();
      for (const name of guestFiles(bundle)) contents.set(`/${name}`, contentOf(bundle[name]));
      for (const name of readdirSync(icons)) {
        contents.set(`/${name}`, readFileSync(join(icons, name)));
      }
      // The page is kept under its own address.
      contents.set('/', contentOf(bundle['index.html']));
      const worker = readFileSync(source, 'utf8');
      const hash = createHash('sha256').update(worker);
      for (const [path, content] of contents) hash.update(path).update(content);
      const { code } = await transformWithOxc(worker, source, {
        define: {
          __CACHE__: JSON.stringify(`guests-${hash.digest('base64url').slice(0, 16)}`),
          __FILES__: JSON.stringify([...contents.keys()]),
          __SHELL__: JSON.stringify('/'),
          __PAGES__: JSON.stringify('^/([jt]/|$)'),
        },
      });
      this.emitFile({ type: 'asset', fileName: 'sw.js', source: code });
    },
  };
}

/** The scripts and styles of the pages that guests open on their phones. */
function guestFiles(bundle: Rollup.OutputBundle): Set<string> {
  const found = new Set(Object.keys(bundle).filter((name) => name.startsWith('assets/start-')));
  const visit = (name: string) => {
    const chunk = bundle[name];
    if (found.has(name) || chunk?.type !== 'chunk') return;
    if (venueScreens.test(chunk.facadeModuleId ?? '')) return;
    found.add(name);
    for (const style of chunk.viteMetadata?.importedCss ?? []) found.add(style);
    [...chunk.imports, ...chunk.dynamicImports].forEach(visit);
  };
  for (const [name, file] of Object.entries(bundle)) {
    if (file.type === 'chunk' && file.isEntry) visit(name);
  }
  return found;
}

function contentOf(file: Rollup.OutputAsset | Rollup.OutputChunk | undefined) {
  if (file === undefined) throw new Error('the bundle lacks a file');
  return file.type === 'chunk' ? file.code : file.source;
}

export default defineConfig({
  plugins: [react(), lostFile(), serviceWorker()],
  build: {
    // The policy of the pages allows no scripts, styles or fonts inside the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['chrome111', 'firefox128', 'safari16.4'],
  },
});
