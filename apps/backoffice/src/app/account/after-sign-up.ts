import { kept } from '@queue-manager/ui/kept';

const keptKey = 'backoffice.after-sign-up';

/** Where a new account goes on. Kept, since the link in its mail opens another tab. */
export const afterSignUp = {
  keep(url: string | undefined): void {
    if (url === undefined) kept.remove(keptKey);
    else kept.set(keptKey, url);
  },
  take(): string | null {
    const url = kept.get<string>(keptKey);
    kept.remove(keptKey);
    return url;
  },
};
