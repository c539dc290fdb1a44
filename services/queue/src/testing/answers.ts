import assert from 'node:assert/strict';
import { type ProblemCode, problemTypeBase, problemTypes } from '@queue-manager/contracts/problems';

export type Answer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the body it expects
  body: any;
  headers: Record<string, unknown>;
  raw: Buffer;
};

export type CallOptions = {
  /** Id of the calling account; without it the call carries no access token. */
  as?: string;
  body?: unknown;
  /** `Idempotency-Key` */
  key?: string;
  headers?: Record<string, string>;
};

/** Asserts that an answer is the problem with this code; returns the paths of the fields it names. */
export function assertProblem(answer: Answer, code: ProblemCode): string[] {
  const { type, status, errors = [] } = answer.body ?? {};
  assert.equal(type, `${problemTypeBase}${code}`, JSON.stringify(answer.body));
  assert.equal(answer.status, problemTypes[code].status);
  assert.equal(status, answer.status);
  return errors.map(({ path }: { path: string }) => path);
}
