/**
 * Loaded into a process before its program (`--import`): while the file `NEVER_SAMPLE` exists, it samples no request. So
 * both are measured in one process; two processes differ by more than sampling costs.
 */
import { existsSync } from 'node:fs';

export const switchMs = 50;

const { random } = Math;
const never = () => 1 - Number.EPSILON;
const file = process.env.NEVER_SAMPLE;
if (file !== undefined) {
  setInterval(() => {
    Math.random = existsSync(file) ? never : random;
  }, switchMs).unref();
}
