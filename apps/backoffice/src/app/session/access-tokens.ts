/*
 * The access token of a browser: in memory only. The refresh token is a cookie that scripts cannot read and that each
 * exchange replaces, so that of several tabs only one exchanges it at a time, and tells the others the new access token.
 */

export type Access = {
  token: string;
  userId: string;
  /** By the clock of the device. */
  expiresAt: number;
};

/** The server knows no session of this browser: the password is needed. */
export class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
}

export type Message = { type: 'access'; access: Access } | { type: 'signed-out' };

/** What the tokens need of a browser and the server. */
export type Host = {
  /** Exchanges the cookie. @throws SessionEnded, or another error if the server cannot be reached */
  refresh(): Promise<Access>;
  /** Runs one task at a time, over all tabs, and tells it whether it had to wait for another. */
  exclusively<T>(task: (hasWaited: boolean) => Promise<T>): Promise<T>;
  send(message: Message): void;
  now(): number;
  /** @returns a function that cancels it. */
  after(ms: number, run: () => void): () => void;
};

/** A call that takes longer than this may arrive with an expired token, and is then repeated. */
const marginMs = 30_000;
/** Renewed this long before, so that no press has to wait for it. */
const renewedBeforeMs = 60_000;
/** What another tab has sent before it passed on its turn may arrive after the turn. */
const messageMs = 500;

export type AccessTokens = {
  /** A token that is still valid. @throws SessionEnded, or another error if the server cannot be reached */
  get(): Promise<string>;
  /** Takes what a sign-in returned. */
  set(access: Access): void;
  /** The server refused this token. */
  refuse(token: string): void;
  /** Signs out in the other tabs, too. */
  clear(): void;
  /** Takes what another tab has sent. */
  receive(message: Message): void;
  readonly userId: string | null;
};

export function createAccessTokens(host: Host): AccessTokens {
  let current: Access | null = null;
  let renewal: Promise<string> | null = null;
  let cancelTimer = () => {};
  let signOuts = 0;
  let onMessage = () => {};

  const isFresh = ({ expiresAt }: Access) => expiresAt - host.now() > marginMs;

  function keep(access: Access): void {
    current = access;
    cancelTimer();
    const dueMs = access.expiresAt - host.now() - renewedBeforeMs;
    // Whoever needs a token meets the same error.
    cancelTimer = host.after(Math.max(dueMs, marginMs), () => void renew().catch(() => {}));
  }

  function forget(): void {
    current = null;
    cancelTimer();
  }

  function signOut(): void {
    signOuts += 1;
    forget();
  }

  function renew(): Promise<string> {
    const before = current;
    renewal ??= host
      .exclusively(async (hasWaited) => {
        // Another tab has renewed it while this one waited.
        if (hasWaited && current === before) await nextMessage();
        if (current !== null && current !== before && isFresh(current)) return current.token;
        const signOutsBefore = signOuts;
        const access = await host.refresh();
        if (signOuts !== signOutsBefore) throw new SessionEnded();
        keep(access);
        host.send({ type: 'access', access });
        return access.token;
      })
      .finally(() => {
        renewal = null;
      });
    return renewal;
  }

  function nextMessage(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = host.after(messageMs, resolve);
      onMessage = () => {
        cancel();
        resolve();
      };
    });
  }

  return {
    async get() {
      return current !== null && isFresh(current) ? current.token : renew();
    },
    set(access) {
      keep(access);
      host.send({ type: 'access', access });
    },
    refuse(token) {
      if (current?.token === token) forget();
    },
    clear() {
      signOut();
      host.send({ type: 'signed-out' });
    },
    receive(message) {
      if (message.type === 'access') keep(message.access);
      else signOut();
      onMessage();
    },
    get userId() {
      return current?.userId ?? null;
    },
  };
}

/** Takes the account out of a token, which the server has just sent. */
export function userIdIn(token: string): string {
  const [, payload = ''] = token.split('.');
  const { sub } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as {
    sub: string;
  };
  return sub;
}
