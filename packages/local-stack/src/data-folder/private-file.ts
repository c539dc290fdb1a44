import writeFileAtomic from 'write-file-atomic';

/** Writes a file that only the current user may read, atomically and durably. */
export function writePrivateFile(path: string, content: string): void {
  writeFileAtomic.sync(path, content, { mode: 0o600 });
}
