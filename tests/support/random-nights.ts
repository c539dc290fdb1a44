import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createQueue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import fc from 'fast-check';
import { openAccount } from './accounts.ts';
import { type Command, explain, LineModel } from './line-model.ts';
import { commandOf, type Night, nights, type Pressed, press } from './line-presses.ts';
import { assertAgreement, openTruth, type Truth } from './line-truth.ts';
import { succeed } from './system.ts';

/** Concurrent nights, each in its own queue and venue. */
const atOnce = 4;
/** How long a failure is shrunk. */
const shrinkingMs = 60_000;
/** Well within the lifetime of an access token, and within the hourly limit of parties that are added late. */
const signedInMs = 10 * 60_000;
const nightsOfAccount = 60;

/** Small enough that the venue is full at times. */
const capacity = 8;
const maxPartySize = 6;

/**
 * Runs random nights against the model. `MODEL_RUNS` overrides their number, `MODEL_SEED` repeats a run, and together
 * with `MODEL_PATH` only its failed night.
 */
export async function survivesNights(test: TestContext, byDefault: number): Promise<void> {
  const { MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env;
  const runs = Number(MODEL_RUNS ?? byDefault);
  const seed = Number(MODEL_SEED ?? Math.floor(Math.random() * 0x7fff_0000));
  const workers = Math.min(atOnce, runs);
  const truth = openTruth();
  const owner = await signedIn();
  let moves = 0;
  let failed: { worker: number; at: number } | undefined;
  try {
    if (MODEL_PATH !== undefined) {
      const [night] = fc.sample(nights, { seed, path: MODEL_PATH, numRuns: 1 });
      assert.ok(night !== undefined, 'MODEL_PATH leads to no night');
      moves = await live(truth, await owner(), night);
      test.diagnostic(`the one night went well, with ${moves} moves`);
      return;
    }
    const results = await Promise.all(
      Array.from({ length: workers }, (_, worker) => {
        // The first failure stops the other nights and is shrunk.
        const isOver = () =>
          failed !== undefined &&
          (failed.worker !== worker || Date.now() - failed.at > shrinkingMs);
        return fc.check(
          fc.asyncProperty(nights, async (night) => {
            if (isOver()) return;
            try {
              const made = await live(truth, await owner(), night);
              moves += made;
            } catch (error) {
              failed ??= { worker, at: Date.now() };
              if (failed.worker === worker) throw error;
            }
          }),
          { seed: seed + worker, numRuns: Math.ceil(runs / workers) },
        );
      }),
    );
    for (const result of results) {
      if (!result.failed) continue;
      const { seed: failing, counterexamplePath, numRuns, errorInstance, counterexample } = result;
      assert.fail(
        [
          `night ${numRuns} failed; repeat it, also several times where moves were made at once, with`,
          `MODEL_SEED=${failing} MODEL_PATH=${counterexamplePath} npm test -- tests/line-model.test.ts`,
          String((errorInstance as Error | null)?.stack ?? errorInstance),
          `as drawn: ${fc.stringify(counterexample)}`,
        ].join('\n'),
      );
    }
    test.diagnostic(`${runs} nights with ${moves} moves; MODEL_SEED=${seed} repeats them`);
  } finally {
    await truth.close();
  }
}

/** Returns a function that returns a valid access token for a night; of another account now and then. */
async function signedIn(): Promise<() => Promise<string>> {
  const open = async () => (await openAccount()).token;
  let signed = { token: Promise.resolve(await open()), at: Date.now(), nights: 0 };
  return () => {
    if (Date.now() - signed.at > signedInMs || signed.nights === nightsOfAccount) {
      signed = { token: open(), at: Date.now(), nights: 0 };
    }
    signed.nights += 1;
    return signed.token;
  };
}

/** One night: opens a queue, makes the moves, checks every answer and finally everything stored. */
async function live(truth: Truth, token: string, [joins, steps]: Night): Promise<number> {
  const venue = await succeed(createVenue, {
    token,
    body: { name: 'Random Night', timezone: 'Europe/Lisbon', capacity },
  });
  const queue = await succeed(createQueue, {
    token,
    params: { venueId: venue.id },
    // No call expires by itself.
    body: { name: 'Tables', maxPartySize, callGraceSeconds: 24 * 60 * 60 },
  });
  await truth.ageQueue(queue.id);
  const line: Pressed = {
    token,
    venueId: venue.id,
    queueId: queue.id,
    joinCode: queue.joinCode,
    tickets: new Map(),
  };
  const opened = await truth.events(queue.id);
  let models = [new LineModel({ capacity, maxPartySize, seq: opened.length })];
  const history: Command[][] = [];
  let moves = 0;
  try {
    for (const step of [...joins.map((join) => [join]), ...steps]) {
      const [model] = models as [LineModel];
      const commands = step.flatMap((drawn) => commandOf(drawn, model) ?? []);
      if (commands.length === 0) continue;
      history.push(commands);
      moves += commands.length;
      const answers = await Promise.all(commands.map((command) => press(line, command)));
      models = explain(models, answers, await truth.events(line.queueId, model.seq));
    }
    const { occupancy } = await truth.counters(line.queueId);
    const model = models.find((one) => one.occupancy === occupancy) ?? models[0];
    await assertAgreement(truth, line, model as LineModel);
  } catch (error) {
    const said = history.map((commands, index) => `  ${index + 1}. ${JSON.stringify(commands)}`);
    (error as Error).message += `\nafter these moves:\n${said.join('\n')}`;
    throw error;
  }
  return moves;
}
