import { Injectable, inject } from '@angular/core';
import {
  type Answer,
  bodyOf,
  type CallOptions,
  createClient,
  problemCode,
  type Route,
  type Success,
} from '@queue-manager/client/client';
import type { ProblemDetails } from '@queue-manager/contracts/problems';
import { Connection } from './connection.ts';
import { Session } from './session.ts';

const client = createClient(location.origin);

/** A new token is hardly ever refused: the server may have changed its keys meanwhile. */
const attemptsMax = 3;

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
    for (let attempt = 1; ; attempt += 1) {
      const token = await this.#reach(this.#session.token());
      const answer = await this.callPublic(route, { ...options, token });
      if (answer.ok || !isTokenRefused(answer) || attempt === attemptsMax) return answer;
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
function isTokenRefused({ problem }: { problem: ProblemDetails | null }): boolean {
  return problemCode(problem) === 'unauthenticated';
}
