import { pageAt } from '@queue-manager/contracts/pages';

/** The join code in what somebody typed, or pasted from a link; null if there is none. Codes have no I, L or O. */
export function codeIn(typed: string): string | null {
  const linked = /\/[jk]\/[^/?#\s]+/.exec(typed)?.[0];
  const written = linked === undefined ? typed : (pageAt(linked)?.parameter ?? '');
  const code = written.toUpperCase().replace(/[\s-]/g, '').replace(/[IL]/g, '1').replace(/O/g, '0');
  return /^[0-9A-Z]{4,64}$/.test(code) ? code : null;
}
