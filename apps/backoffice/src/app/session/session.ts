import { Injectable, inject, signal } from '@angular/core';
import { Router } from '@angular/router';
import { type Answer, bodyOf, createClient, type Success } from '@queue-manager/client/client';
import { kept } from '@queue-manager/ui/kept';
import { createServerClock } from '@queue-manager/ui/server-clock';
import {
  type Access,
  createAccessTokens,
  type Host,
  type Message,
  SessionEnded,
  userIdIn,
} from './access-tokens.ts';

export type Account = Success<'getMe'>;

/**
 * `signed-in`: also without network, as far as this browser knows. `ended`: the password is needed to go on, and is being
 * asked for. `signed-out`: nobody is signed in.
 */
export type SessionState = 'signed-in' | 'ended' | 'signed-out';

/** What the device keeps of an account besides its name. */
export type KeptOfAccount = {
  /** Asked before signing out; false keeps the session. */
  mayLeave(account: Account): Promise<boolean>;
  /** Deletes it, once the server has ended the session. */
  forget(account: Account): Promise<void>;
};

/** The account is kept so that the app opens without network. Tokens are not. */
const accountKey = 'backoffice.account';
/** The lock and the channel that all tabs share. */
const sharedName = 'backoffice.session';

const client = createClient(location.origin);

/** Who is signed in on this browser. */
@Injectable({ providedIn: 'root' })
export class Session {
  readonly #router = inject(Router);
  readonly #account = signal(kept.get<Account>(accountKey));
  readonly #state = signal<SessionState>(this.#account() === null ? 'signed-out' : 'signed-in');
  readonly #channel = new BroadcastChannel(sharedName);
  readonly #browser = this.#host();
  readonly #tokens = createAccessTokens(this.#browser);
  #kept: KeptOfAccount | null = null;
  /** While the session has ended: settles once the password has been given, or the account signed out. */
  #resumption: PromiseWithResolvers<void> | null = null;

  readonly account = this.#account.asReadonly();
  readonly state = this.#state.asReadonly();
  /** The device's clock may be wrong: responses of the server set this one. */
  readonly serverClock = createServerClock();

  constructor() {
    this.#channel.addEventListener('message', ({ data }: MessageEvent<Message>) =>
      this.#receive(data),
    );
  }

  /** @throws an error of the network */
  async signIn(email: string, password: string): Promise<Answer<'login'>> {
    // No other tab exchanges the cookie meanwhile: its answer could replace the new one.
    const answer = await this.#browser.exclusively(() =>
      client.call('login', { body: { email, password, session: 'cookie' } }),
    );
    if (answer.ok) {
      const access = accessIn(answer.body);
      this.setAccount(await client.succeed('getMe', { token: access.token }));
      this.#tokens.set(access);
      this.#resume();
    }
    return answer;
  }

  /**
   * A valid access token. While the session has ended, it comes once the password has been given again.
   *
   * @throws SessionEnded if nobody is signed in; RefusedCall; an error of the network
   */
  async token(): Promise<string> {
    for (;;) {
      await this.#resumption?.promise;
      try {
        return await this.#tokens.get();
      } catch (error) {
        if (!(error instanceof SessionEnded) || this.#account() === null) throw error;
        this.#end();
      }
    }
  }

  /** The server refused this token. */
  refuse(token: string): void {
    this.#tokens.refuse(token);
  }

  /** Says what signing out has to ask and to delete; once in the app. */
  keeps(kept: KeptOfAccount): void {
    this.#kept = kept;
  }

  /** @returns false if the session was kept. @throws RefusedCall; an error of the network, and nothing is deleted */
  async signOut(): Promise<boolean> {
    const account = this.#account();
    if (account !== null && (await this.#kept?.mayLeave(account)) === false) return false;
    // The cookie says which session. Without one, the server has ended it already.
    const answer = await this.#browser.exclusively(() => client.call('logout', {}));
    if (answer.status !== 401) bodyOf('logout', answer);
    await this.forget();
    return true;
  }

  /** Deletes what the device keeps of the account, and forgets it, once the server has ended its session. */
  async forget(): Promise<void> {
    const account = this.#account();
    if (account !== null) await this.#kept?.forget(account);
    this.leave();
  }

  /** Forgets the account in all tabs. What the device keeps of it is there when it signs in again. */
  leave(): void {
    this.#tokens.clear();
    this.#close();
  }

  /** Takes the account as the server has just returned it. */
  setAccount(account: Account): void {
    kept.set(accountKey, account);
    this.#account.set(account);
  }

  #close(): void {
    kept.remove(accountKey);
    this.#account.set(null);
    this.#state.set('signed-out');
    this.#resumption?.reject(new SessionEnded());
    this.#resumption = null;
    void this.#router.navigateByUrl('/sign-in');
  }

  #end(): void {
    if (this.#resumption !== null) return;
    this.#state.set('ended');
    this.#resumption = Promise.withResolvers();
    // Nobody may be waiting.
    this.#resumption.promise.catch(() => {});
  }

  #resume(): void {
    this.#state.set('signed-in');
    this.#resumption?.resolve();
    this.#resumption = null;
  }

  #receive(message: Message): void {
    this.#tokens.receive(message);
    if (message.type === 'signed-out') {
      if (this.#account() !== null) this.#close();
    } else if (message.access.userId !== this.#account()?.id) {
      // Somebody has signed in in another tab; nothing of this one is theirs.
      location.reload();
    } else this.#resume();
  }

  #host(): Host {
    return {
      refresh: async () => {
        const answer = await client.call('refresh', {});
        if (answer.status === 401) throw new SessionEnded();
        return accessIn(bodyOf('refresh', answer));
      },
      // Browsers have locks only with TLS. The server bears two exchanges at the same time.
      exclusively: async (task) => {
        if (!('locks' in navigator)) return task(false);
        const atOnce = await navigator.locks.request(
          sharedName,
          { ifAvailable: true },
          async (lock) => (lock === null ? null : { result: await task(false) }),
        );
        return atOnce?.result ?? (await navigator.locks.request(sharedName, () => task(true)));
      },
      send: (message) => this.#channel.postMessage(message),
      now: Date.now,
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    };
  }
}

function accessIn({ accessToken, expiresIn }: { accessToken: string; expiresIn: number }): Access {
  return {
    token: accessToken,
    userId: userIdIn(accessToken),
    expiresAt: Date.now() + expiresIn * 1_000,
  };
}
