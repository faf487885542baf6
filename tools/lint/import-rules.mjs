// Who may import whom (style.md, "Layout and who may import whom"), as dependency-cruiser rules.
// Paths are relative to the folder that holds apps/ and libs/. A sibling package resolves to its dist/index.js.

const specs = '\\.spec\\.tsx?$';
const own = (name) => `^libs/${name}/`;
const source = (name) => `^libs/${name}/src/`;

export const forbidden = [
  { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
  {
    name: 'apps-never-import-each-other',
    severity: 'error',
    from: { path: '^apps/([^/]+)/' },
    to: { path: '^apps/', pathNot: '^apps/$1/' },
  },
  {
    name: 'domain-imports-only-zod',
    severity: 'error',
    from: { path: source('domain'), pathNot: specs },
    to: { pathNot: [own('domain'), '(^|/)node_modules/zod/'] },
  },
  // Every command of the command line, and completion, waits for what it imports.
  {
    name: 'environment-imports-nothing',
    severity: 'error',
    from: { path: source('environment'), pathNot: specs },
    to: { pathNot: own('environment'), dependencyTypesNot: ['core'] },
  },
  {
    name: 'contracts-import-only-domain-and-common',
    severity: 'error',
    from: { path: source('contracts'), pathNot: specs },
    to: { pathNot: [own('contracts'), own('domain'), '(^|/)node_modules/@temporalio/common/'] },
  },
  {
    name: 'workflows-import-only-domain-contracts-and-workflow',
    severity: 'error',
    from: { path: source('workflows'), pathNot: specs },
    to: {
      pathNot: [own('workflows'), own('contracts'), own('domain'), '(^|/)node_modules/@temporalio/workflow/'],
    },
  },
  {
    name: 'no-imports-past-the-entry-point',
    severity: 'error',
    from: { path: '^(apps|libs)/([^/]+)/' },
    to: { path: '^(apps|libs)/[^/]+/(src/|dist/(?!index\\.))', pathNot: '^$1/$2/' },
  },
  {
    name: 'generated-code-stays-in-gpu-client',
    severity: 'error',
    from: { pathNot: own('gpu-client') },
    to: { path: 'gpu-client/(src|dist)/gen/' },
  },
  { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  { name: 'imports-resolve', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'dependencies-are-declared',
    severity: 'error',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
];

/** Rules the fixtures break on purpose; every rule of ours must be among them. */
export const ruleNames = forbidden.map((rule) => rule.name);
