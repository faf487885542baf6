// Who may import whom (style.md, "Layout and who may import whom"), as dependency-cruiser rules.
// Paths are relative to the folder that holds apps/ and libs/. A sibling package resolves to its dist/index.js.

/** From the bottom up: a package imports packages of lower layers only. */
const layers = [
  ['domain', 'environment', 'logging'],
  ['api-client', 'config', 'contracts', 'gpu-client', 'images', 'store', 'supervisor', 'temporal-worker'],
  ['orchestration', 'stack', 'testing', 'workflows'],
  ['activities'],
  ['api', 'cli', 'dispatcher', 'orchestrator'],
];
const inPackage = (names) => `^(?:apps|libs)/(${names.join('|')})/`;

/** The sources of a package import nothing but these. */
const importsOnly = (name, paths, others = {}) => ({
  name: `${name}-imports-only-what-is-listed`,
  from: { path: `^libs/${name}/src/`, pathNot: '\\.spec\\.tsx?$' },
  to: { pathNot: [`^libs/${name}/`, ...paths], ...others },
});
const npm = (name) => `(^|/)node_modules/${name}/`;

export const forbidden = [
  ...layers.map((layer, index) => ({
    name: `layer-${index + 1}-imports-lower-layers`,
    from: { path: inPackage(layer) },
    to: { path: inPackage(layers.slice(index).flat()), pathNot: '^(?:apps|libs)/$1/' },
  })),
  {
    name: 'every-package-has-a-layer',
    from: { path: '^(apps|libs)/', pathNot: inPackage(layers.flat()) },
    to: {},
  },
  importsOnly('domain', [npm('zod')]),
  // Every command of the command line, and completion, waits for what it imports.
  importsOnly('environment', [], { dependencyTypesNot: ['core'] }),
  importsOnly('contracts', ['^libs/domain/', npm('@temporalio/common')]),
  importsOnly('workflows', ['^libs/(domain|contracts)/', npm('@temporalio/workflow')]),
  {
    name: 'no-imports-past-the-entry-point',
    from: { path: '^(apps|libs)/([^/]+)/' },
    to: { path: '^(apps|libs)/[^/]+/(src/|dist/(?!index\\.))', pathNot: '^$1/$2/' },
  },
  {
    name: 'generated-code-stays-in-gpu-client',
    from: { pathNot: '^libs/gpu-client/' },
    to: { path: 'gpu-client/(src|dist)/gen/' },
  },
  { name: 'no-cycles', from: {}, to: { circular: true } },
  { name: 'imports-resolve', from: {}, to: { couldNotResolve: true } },
  { name: 'dependencies-are-declared', from: {}, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] } },
].map((rule) => ({ severity: 'error', ...rule }));

/** Rules the fixtures break on purpose; every rule of ours must be among them. */
export const ruleNames = forbidden.map((rule) => rule.name);
