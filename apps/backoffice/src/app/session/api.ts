import { Injectable, inject } from '@angular/core';
import {
  type Answer,
  bodyOf,
  type CallOptions,
  createClient,
  type Route,
  type Success,
} from '@queue-manager/client/client';
import { Connection } from './connection.ts';
import { Session } from './session.ts';

const client = createClient(location.origin);

/**
 * Calls routes as the signed-in account. A call that meets an ended session waits until the password has been given
 * again, and then goes on; give it an idempotency key if it changes something.
 */
@Injectable({ providedIn: 'root' })
export class Api {
  readonly #session = inject(Session);
  readonly #connection = inject(Connection);

  /** @throws SessionEnded after a sign-out; an error of the network */
  async call<const R extends Route>(route: R, options: CallOptions<R>): Promise<Answer<R>> {
    for (;;) {
      const token = await this.#reach(this.#session.token());
      const answer = await this.callPublic(route, { ...options, token });
      if (answer.ok || answer.status !== 401 || !isTokenRefused(answer)) return answer;
      this.#session.refuse(token);
    }
  }

  /** @throws RefusedCall, SessionEnded after a sign-out; an error of the network */
  async succeed<const R extends Route>(route: R, options: CallOptions<R>): Promise<Success<R>> {
    return bodyOf(route, await this.call(route, options));
  }

  /** Calls a route that needs no account. */
  async callPublic<const R extends Route>(route: R, options: CallOptions<R>): Promise<Answer<R>> {
    const answer = await this.#reach(client.call(route, options));
    this.#connection.note(true);
    this.#session.serverClock.note(Date.parse(answer.headers.get('date') ?? ''));
    return answer;
  }

  async #reach<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      // What fetch rejects with, but for a call that its screen has given up.
      if (error instanceof TypeError) this.#connection.note(false);
      throw error;
    }
  }
}

/** Not a wrong password, which is a 401, too. */
function isTokenRefused({ problem }: { problem: { type: string } | null }): boolean {
  return problem?.type.endsWith('/unauthenticated') ?? false;
}
