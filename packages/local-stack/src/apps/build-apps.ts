import { createHash, randomUUID } from 'node:crypto';
import {
  globSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { type Command, startGuarded } from '../processes/guarded-process.ts';
import { repositoryRoot } from '../repository.ts';
import { StackError } from '../stack-error.ts';

type App = {
  /** Its folder; the built files are in `dist` below. */
  folder: string;
  /** Programs that all have to succeed; they run at the same time. */
  programs(outDir: string): Command[];
  /** Programs that then work on the built files. */
  finish?(built: string): Command[];
  /** Where below `outDir` the programs put the files; by default there itself. */
  subfolder?: string;
};

const node = (...args: string[]): Command => ({ file: process.execPath, args });

const apps: App[] = [
  {
    folder: 'apps/customer',
    programs: (outDir) => [
      node(inModules('vite/bin/vite.js'), 'build', '--outDir', outDir, '--logLevel', 'warn'),
      // A missing text is a type error.
      node(inModules('.bin/tsc'), '--noEmit', '-p', '.'),
      node(inModules('.bin/tsc'), '--noEmit', '-p', '../../packages/ui/src/worker'),
    ],
  },
  {
    folder: 'apps/backoffice',
    // Checks the types of templates as well.
    programs: (outDir) => [
      node(inModules('@angular/cli/bin/ng.js'), 'build', '--output-path', outDir),
    ],
    subfolder: 'browser',
    // Node warns that it strips types only provisionally.
    finish: (built) => [node('--disable-warning=ExperimentalWarning', 'build-scripts.ts', built)],
  },
];

/** What every app is built from besides its own folder. */
const sharedFolders = ['client', 'contracts', 'ui'].map((name) => `packages/${name}/src`);
const shared = [...sharedFolders.map((folder) => `${folder}/**/*`), 'package-lock.json'];
const notBuilt = ['**/{dist,dist-*,node_modules,.angular}/**', '**/*.test.ts'];

/** Names the sources that `dist` was built from. Written last, so that a `dist` without it is incomplete. */
const stampFile = '.sources';

/**
 * Builds the web apps whose sources have changed since their last build, at the same time.
 *
 * @param log takes a line before a build.
 * @throws StackError with what the compiler says.
 */
export async function buildApps(
  log: (line: string) => void,
  signal?: AbortSignal,
  root: string = repositoryRoot,
): Promise<void> {
  const builds = await Promise.allSettled(apps.map((app) => buildApp(app, log, signal, root)));
  for (const build of builds) if (build.status === 'rejected') throw build.reason;
}

async function buildApp(
  app: App,
  log: (line: string) => void,
  signal: AbortSignal | undefined,
  root: string,
): Promise<void> {
  const folder = join(root, app.folder);
  const stamp = stampOf(app, root);
  if (readStamp(folder) === stamp) return;
  log(`Building ${app.folder} …`);
  const outDir = join(folder, `dist-${randomUUID()}`);
  try {
    await Promise.all(app.programs(outDir).map((program) => run(app, program, folder, signal)));
    const built = join(outDir, app.subfolder ?? '');
    for (const program of app.finish?.(built) ?? []) await run(app, program, folder, signal);
    await precompress(built);
    writeFileSync(join(built, stampFile), stamp);
    replaceFolder(join(folder, 'dist'), built);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/**
 * Builds the apps again whenever a file of theirs changes.
 *
 * @returns a function that stops watching.
 */
export function buildOnChange(log: (line: string) => void): () => void {
  let isDue = false;
  let isBuilding = false;
  const build = async () => {
    isDue = true;
    if (isBuilding) return;
    isBuilding = true;
    while (isDue) {
      await sleep(quietMs);
      isDue = false;
      await buildApps(log).catch((error: Error) => log(error.message));
    }
    isBuilding = false;
  };
  const folders = [...apps.map(({ folder }) => `${folder}/src`), ...sharedFolders];
  const watchers = folders.map((folder) =>
    watch(join(repositoryRoot, folder), { recursive: true }, () => void build()),
  );
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

function inModules(path: string): string {
  return join(repositoryRoot, 'node_modules', path);
}

/** A hash of everything that an app is built from. */
function stampOf({ folder }: App, root: string): string {
  const hash = createHash('sha256');
  const files = globSync([`${folder}/**/*`, ...shared], { cwd: root, exclude: notBuilt });
  for (const file of files.sort()) {
    const content = contentOf(join(root, file));
    if (content !== undefined) hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('base64url');
}

/** Undefined for a folder. */
function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw error;
  }
}

function readStamp(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, 'dist', stampFile), 'utf8');
  } catch {
    return undefined;
  }
}

async function run(app: App, program: Command, cwd: string, signal?: AbortSignal): Promise<void> {
  const lines: string[] = [];
  const running = startGuarded({ ...program, cwd }, (line) => lines.push(line));
  const stop = () => void running.stop(2_000);
  signal?.addEventListener('abort', stop, { once: true });
  const { code } = await running.exited;
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (code !== 0) throw new StackError(`${app.folder} could not be built:\n${lines.join('\n')}`);
}

/** Debounce: editors save in several steps, and a branch switch touches many files. */
const quietMs = 200;

const compressed = new Set(['.html', '.js', '.css', '.svg', '.webmanifest', '.json', '.txt']);
/** Shorter files gain nothing. */
const compressedBytesMin = 512;

/** Puts a brotli and a gzip copy beside each file, since compressing as hard as this takes too long for a request. */
async function precompress(folder: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && compressed.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
  await Promise.all(
    files.map(async (file) => {
      const content = await readFile(file);
      if (content.length < compressedBytesMin) return;
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
      await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params }));
      await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
    }),
  );
}

/** Another process may do the same at the same time, with the same files. */
function replaceFolder(folder: string, by: string): void {
  for (;;) {
    const old = `${folder}-${randomUUID()}`;
    try {
      renameSync(folder, old);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      renameSync(by, folder);
      rmSync(old, { recursive: true, force: true });
      return;
    } catch (error) {
      rmSync(old, { recursive: true, force: true });
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }
}
