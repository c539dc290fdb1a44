import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, suite, test } from 'node:test';
import { secretNames } from './ring.ts';

/** Stands for the AWS CLI: keeps parameters in a file, and its arguments in another. */
const fakeAws = `#!${process.execPath}
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
const file = __dirname + '/parameters.json';
const known = existsSync(file) ? JSON.parse(readFileSync(file)) : {};
appendFileSync(__dirname + '/calls.txt', args.join(' ') + '\\n');
if (args[1] === 'get-parameter') {
  console.log(JSON.stringify({ Parameter: known[args[args.indexOf('--name') + 1]] }));
} else if (args[1] === 'put-parameter') {
  const parameter = JSON.parse(readFileSync(0));
  if (known[parameter.Name] && !parameter.Overwrite) {
    console.error('An error occurred (ParameterAlreadyExists) when calling PutParameter');
    process.exit(254);
  }
  writeFileSync(file, JSON.stringify({ ...known, [parameter.Name]: parameter }));
}
`;

suite('npm run aws-secrets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'queue-manager-aws-'));
  writeFileSync(join(folder, 'aws'), fakeAws);
  chmodSync(join(folder, 'aws'), 0o755);
  after(() => rmSync(folder, { recursive: true }));

  async function run(args: string[], input = ''): Promise<{ code: number; output: string }> {
    const cli = spawn(process.execPath, [join(import.meta.dirname, 'secrets-cli.ts'), ...args], {
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
    });
    cli.stdin.end(input);
    const [out, errors, [code]] = await Promise.all([
      text(cli.stdout),
      text(cli.stderr),
      once(cli, 'exit'),
    ]);
    return { code, output: out + errors };
  }

  const parameters = (): Record<string, { Value: string; Type: string }> =>
    JSON.parse(readFileSync(join(folder, 'parameters.json'), 'utf8'));

  test('creates what is missing, as SecureStrings, and keeps the rest', async () => {
    assert.equal((await run(['create', 'prod'])).code, 0);
    const created = parameters();
    assert.deepEqual(
      Object.keys(created).sort(),
      secretNames.map((name) => `/queue-manager/prod/${name}`).sort(),
    );
    for (const { Type } of Object.values(created)) assert.equal(Type, 'SecureString');
    const { output } = await run(['create', 'prod']);
    assert.match(output, /TOKEN_KEYS: exists/);
    assert.deepEqual(parameters(), created);
  });

  test('replaces a key, and shows no secret to other programs or on the screen', async () => {
    const before = parameters()['/queue-manager/prod/TOKEN_KEYS']?.Value ?? '';
    for (const step of ['add', 'promote', 'retire']) {
      const { code, output } = await run([step, 'prod', 'TOKEN_KEYS']);
      assert.equal(code, 0, output);
      assert.match(output, /restart prod/);
    }
    const after = parameters()['/queue-manager/prod/TOKEN_KEYS']?.Value ?? '';
    assert.equal(JSON.parse(after).length, 1);
    assert.notEqual(after, before);
    const seen = readFileSync(join(folder, 'calls.txt'), 'utf8');
    for (const { Value } of Object.values(parameters())) assert.ok(!seen.includes(Value));
  });

  test('stores the address of the mail server from its input', async () => {
    await run(['set', 'prod', 'SMTP_URL'], 'smtps://user:secret@mail.example.org:465\n');
    const { Value } = parameters()['/queue-manager/prod/SMTP_URL'] ?? {};
    assert.equal(Value, 'smtps://user:secret@mail.example.org:465');
  });

  test('starts functions and services anew in the order of their deployment', async () => {
    writeFileSync(join(folder, 'calls.txt'), '');
    await run(['restart', 'dev']);
    const calls = readFileSync(join(folder, 'calls.txt'), 'utf8');
    const restarted = Array.from(
      calls.matchAll(/update-service .*--service (\w+)/g),
      ([, name]) => name,
    );
    assert.match(calls, /update-function-configuration --function-name qm-dev-mailer-mails /);
    assert.ok(restarted.indexOf('position') < restarted.indexOf('gateway'));
    assert.deepEqual(restarted.slice(-2), ['gateway', 'collector']);
  });

  test('explains itself when it is called wrongly', async () => {
    for (const args of [
      [],
      ['add', 'prod'],
      ['add', 'prod', 'NONE'],
      ['add', 'moon', 'TOKEN_KEYS'],
    ]) {
      const { code, output } = await run(args);
      assert.equal(code, 1);
      assert.match(output, /usage/);
    }
  });
});
