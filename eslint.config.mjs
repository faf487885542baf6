// Only what a type checker cannot see and a reader would miss; layout is prettier's, imports are tools/lint's.
import tseslint from 'typescript-eslint';

const exportAll = {
  selector: 'ExportAllDeclaration',
  message: 'Name what a package exports: `export *` hides it (style.md rule 4).',
};
const processEnv = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Only src/env.ts of an app or library reads process.env, through a zod schema (style.md rule 5).',
};

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      'libs/gpu-client/src/gen/**',
      'tools/**',
      'python-worker/**',
    ],
  },
  {
    files: ['{apps,libs}/*/{src,e2e}/**/*.{ts,tsx}'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': ['error', exportAll, processEnv],
    },
  },
  {
    files: ['{apps,libs}/*/e2e/**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, project: 'tsconfig.e2e.json' } },
  },
  {
    files: [
      '{apps,libs}/*/src/env.ts',
      '**/*.spec.ts',
      'libs/testing/src/**/*.ts',
      '{apps,libs}/*/e2e/**/*.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', exportAll] },
  },
);
