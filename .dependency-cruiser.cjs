// Who may import whom, as data. What is absent is forbidden; type-only imports count. `test/architecture/imports.test.ts`
// proves that each rule bites, `npm run lint` prints what it forbids.

/** Every room may import itself and what stands here: rooms, or single files of them. */
const table = {
  'src/kernel': [],
  supervisors: ['src/kernel'],
  'src/variables': ['src/kernel/{result,errors,ids}.ts'],
  'src/gen': [],
  'src/wire': ['src/kernel', 'src/variables', 'src/gen'],
  'src/sessions': ['src/kernel', 'src/variables'],
  'src/workers': ['src/kernel', 'src/wire'],
  'src/optimizers': [
    'src/kernel',
    'src/variables',
    'src/sessions/{handle,update}.ts',
    'src/workers/{python-port,recipe}.ts',
  ],
  'src/agents': [
    'src/kernel',
    'src/variables',
    'src/sessions/{session,handle,update}.ts',
    'src/workers/{python-port,recipe}.ts',
  ],
  'src/gateway': [
    'src/kernel',
    'src/wire',
    'src/gen',
    'src/sessions/{handle,update}.ts',
    'src/workers/{attachment,python-port}.ts',
    'src/optimizers/handle.ts',
  ],
  'src/dashboard': ['src/kernel', 'src/sessions/{handle,update}.ts'],
  // The interpreter file also says where this package is: for `--version` and `doctor`.
  'src/cli': ['src/kernel', 'supervisors', 'src/{runtime,config}.ts', 'src/runtime', 'src/workers/interpreter.ts'],
  'src/testing': ['src', 'supervisors'],
  'src/setup': [],
  // The only places that see every room: where they are wired, and the entry point that lists the public names.
  'src/{runtime,config,index}.ts': ['src', 'supervisors'],
  'src/runtime': ['src', 'supervisors'],
  // What users write sees what users see.
  'docs/examples': ['src/index.ts', 'supervisors/index.ts', 'src/testing/index.ts'],
};

/** Packages and Node's own modules that only these places may touch. Tests may touch all. */
const reserved = [
  { name: 'grpc', modules: ['@grpc/', 'grpc-health-check'], places: ['src/gateway', 'src/gen'] },
  {
    name: 'child-processes',
    modules: ['child_process', 'cluster', 'worker_threads'],
    places: ['src/workers/launchers', 'src/setup'],
  },
  { name: 'xstate', modules: ['xstate', '@xstate/'], places: ['src/kernel/{state-actor,spawn-actor}.ts'] },
  { name: 'eventemitter3', modules: ['eventemitter3'], places: ['src/kernel/telemetry.ts'] },
  {
    name: 'redis',
    modules: ['redis', '@redis/', 'ioredis'],
    places: ['src/sessions/stores/redis.ts', 'src/sessions/stores/redis'],
  },
];

/** `src/kernel` is that folder, `src/{a,b}.ts` are those files. */
function pattern(place) {
  const alternatives = place
    .replace('.ts', '\\.ts')
    .replace(/\{(.*)\}/, (_, names) => `(${names.replaceAll(',', '|')})`);
  return place.endsWith('.ts') ? `^${alternatives}$` : `^${alternatives}/`;
}

/** A package in node_modules, or a module of Node with or without its prefix. */
function modulePattern(name) {
  return `(^|node_modules/)(node:)?${name}${name.endsWith('/') ? '' : '(/|$)'}`;
}

const rooms = Object.entries(table).map(([room, allowed]) => ({
  name: `room:${room}`,
  comment: allowed.length === 0 ? 'imports no other room' : `may import ${allowed.join(', ')}`,
  severity: 'error',
  from: { path: pattern(room) },
  to: { path: '^(src|supervisors|test|docs|python|dist)/', pathNot: [room, ...allowed].map(pattern) },
}));

const reservations = reserved.map(({ name, modules, places }) => ({
  name: `reserved:${name}`,
  comment: `only in ${places.join(', ')}`,
  severity: 'error',
  from: { path: '^(src|supervisors)/', pathNot: places.map(pattern) },
  to: { path: modules.map(modulePattern) },
}));

module.exports = {
  forbidden: [
    ...rooms,
    ...reservations,
    {
      name: 'pure:variables',
      comment: 'the domain is pure: no module of Node, and no package but these, which only compute',
      severity: 'error',
      from: { path: '^src/variables/' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: ['re2js', 'lossless-json', 'yaml'].map(modulePattern) },
    },
    {
      name: 'a-room-of-its-own',
      comment: 'a folder in src has a line in the table',
      severity: 'error',
      from: { path: '^src/', pathNot: Object.keys(table).map(pattern) },
      to: {},
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared',
      comment: 'what users install is what dependencies say',
      severity: 'error',
      from: { path: '^(src|supervisors)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.cache|coverage)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
