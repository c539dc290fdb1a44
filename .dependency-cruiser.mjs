/**
 * Which file may import which. `npm run check` refuses everything else; type-only imports count.
 *
 * Rooms stand on floors, listed bottom to top: a room imports from its own floor and from floors below, never from
 * one above. Rooms in brackets share a floor. A name in .ts is a single file; all other files directly in `src` are
 * the top floor. A folder that is not listed is refused; a listed one need not exist. Tests, benchmarks and `testing`
 * files may import from any floor.
 */
import { createRequire } from 'node:module';

const floors = {
  packages: [
    'contracts',
    ['client', 'service-kit'],
    'ui',
    'events',
    'local-stack',
    ['load', 'bench'],
  ],
  'packages/local-stack/src': [
    ['stack-error.ts', 'terminal.ts', 'progress.ts', 'repository.ts', 'inbox.ts', 'settings.ts'],
    'processes',
    'data-folder',
    ['apps', 'stores'],
    'system',
    ['commands', 'containers'],
  ],
  'packages/load/src': ['random.ts', ['trace', 'callers'], 'offline', ['replay', 'chaos']],
  'packages/bench/src': ['measure', ['broker', 'events', 'line', 'live'], ['apps', 'traces']],
  'apps/customer/src': [
    'page',
    'parts',
    'screens/join',
    ['screens/home', 'screens/ticket', 'screens/board', 'screens/kiosk'],
  ],
  'apps/backoffice/src/app': [
    ['parts', 'line'],
    'session',
    'live',
    ['shell', 'account', 'venue', 'stand', 'door', 'desk'],
  ],
  'services/queue/src': [
    'db',
    'access',
    'line',
    'deps.ts',
    'venue-feed',
    'retention',
    'unsubscribe',
    'join',
    'parties',
    'queues',
    'venues',
    'staff',
    'reports',
    'tasks',
    'internal',
  ],
  'services/position/src': [
    'model',
    'projection',
    'lines',
    'estimates',
    'deps.ts',
    'reads',
    'live',
    'ingest',
  ],
  'services/broker/src': ['store', 'waiting', 'access', 'deps.ts', 'messages', 'feed'],
  'services/forwarder/src': ['state', ['stream', 'drain']],
  'services/user/src': [
    'config.ts',
    'store',
    'outbox',
    ['deps.ts', 'password'],
    'sign-up',
    'me',
    'internal',
  ],
};

const exempt = /(\.test|[/-]testing)\.ts$|\/(testing|bench)\//.source;

/** Matches the paths of rooms and files below a base. */
function pathsOf(base, rooms) {
  const ends = rooms.map((room) =>
    room.endsWith('.ts') ? `${room.replace('.', '\\.')}$` : `${room}/`,
  );
  return `^${base}/(${ends.join('|')})`;
}

function rulesOf([base, order]) {
  const rooms = order.flat();
  return [
    {
      name: 'room-without-floor',
      comment: `list the folder under ${base} in .dependency-cruiser.mjs`,
      severity: 'error',
      from: { path: `^${base}/[^/]+/`, pathNot: [pathsOf(base, rooms), exempt] },
      to: {},
    },
    ...order.map((floor, index) => ({
      name: 'room-above',
      comment: `${base}, bottom to top: ${rooms.join(', ')}`,
      severity: 'error',
      from: { path: pathsOf(base, [floor].flat()), pathNot: exempt },
      to: { path: `^${base}/`, pathNot: pathsOf(base, order.slice(0, index + 1).flat()) },
    })),
  ];
}

// The visitor of @swc/core gives up on a file with a `using` declaration.
const { Visitor } = createRequire(import.meta.url)('@swc/core/Visitor.js');
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'service-imports-service',
      comment: 'services meet through contracts and events',
      severity: 'error',
      // A test may start another service by that service's own fixture, rather than play it.
      from: { path: '^services/([^/]+)/', pathNot: exempt },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'test-imports-service-internals',
      comment: "a test starts another service by that service's testing.ts",
      severity: 'error',
      from: { path: `^services/([^/]+)/.*(?:${exempt})` },
      to: { path: '^services/', pathNot: ['^services/$1/', '/testing\\.ts$'] },
    },
    {
      name: 'package-imports-service',
      comment: 'start a service as a process, or move what both need into a package',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^services/' },
    },
    {
      name: 'runs-in-browsers',
      comment: 'browsers have none of the modules of Node',
      severity: 'error',
      from: { path: '^(packages/(client|ui)|apps/[^/]+)/src/', pathNot: exempt },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'app-imports-server',
      comment: 'apps use the API through packages/client',
      severity: 'error',
      from: { path: '^apps/', pathNot: exempt },
      to: { path: '^(services/|packages/(?!(client|contracts|ui)/))' },
    },
    {
      name: 'schema-in-browser',
      comment: 'a schema costs a browser 27 kB: import its type',
      severity: 'error',
      from: { path: '^(packages/(client|ui)|apps/[^/]+)/src/', pathNot: exempt },
      to: {
        path: '^packages/contracts/src/',
        pathNot: '/(contract|field-limits|pages|party-moves|problems)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    { name: 'unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(floors).flatMap(rulesOf),
  ],
  options: {
    // TypeScript 7 has no parser API yet. swc reports type-only imports as well.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // What the apps are built into.
    exclude: { path: '^apps/[^/]+/dist' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
    },
  },
};
