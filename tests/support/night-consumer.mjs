/** A consumer of a test: the example, which notes on standard output when it begins and ends to handle a message. */
import { setTimeout as delay } from 'node:timers/promises';
import { consume } from '../../examples/consumer.mjs';

const [api, key, cid] = process.argv.slice(2);

function note(what, id, more = {}) {
  process.stdout.write(`${JSON.stringify({ what, id, cid, at: Date.now(), ...more })}\n`);
}

await consume({
  api,
  key,
  cid,
  // A killed consumer's messages come back after it; one that lives extends it, however slow the machine is.
  visibilitySeconds: 8,
  async handle({ id, body }) {
    note('begin', id, { body });
    await delay(Math.random() * 20);
    note('end', id);
  },
});
