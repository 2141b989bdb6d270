import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Imports go one way: routes, api, mcp, jobs → services → stores, queue, pipeline, index; providers import providers only. */
const forbid = (files, folders, message) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: `^(\\.\\.?/)+(server/)?(${folders.join('|')})/`, message }] },
    ],
  },
});

export default tseslint.config(
  { ignores: ['dist/', 'data/', 'node_modules/', 'coverage/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/require-await': 'off',
      // Knex gives `any` for rows; stores say their shape with an assertion.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Set process.exitCode and let work finish.' },
      ],
      'no-console': 'error',
    },
  },
  forbid(
    ['server/services/**/*.ts'],
    ['routes', 'api', 'mcp', 'jobs', 'middleware', 'forms', 'cli'],
    'Services know nothing of how they are called.',
  ),
  forbid(
    ['server/stores/**/*.ts', 'server/queue/**/*.ts', 'server/pipeline/**/*.ts'],
    ['routes', 'api', 'mcp', 'jobs', 'middleware', 'forms', 'cli', 'egress'],
    'Stores, queue and pipeline lie below the services.',
  ),
  forbid(
    ['providers/**/*.ts'],
    [
      'routes',
      'api',
      'mcp',
      'jobs',
      'services',
      'stores',
      'queue',
      'pipeline',
      'index',
      'middleware',
      'forms',
      'cli',
      'database',
    ],
    'Providers import providers only.',
  ),
  {
    // Worker threads, the command line and scripts end their own process and talk on the terminal.
    files: ['server/**/*-worker.ts', 'server/cli/**/*.ts', 'server/main.ts', 'scripts/**', 'test/**/*.ts', 'bench/**'],
    rules: { 'no-restricted-properties': 'off', 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['public/**/*.js'],
    languageOptions: {
      globals: {
        document: 'readonly',
        window: 'readonly',
        EventSource: 'readonly',
        fetch: 'readonly',
        navigator: 'readonly',
        setTimeout: 'readonly',
        location: 'readonly',
        matchMedia: 'readonly',
        MutationObserver: 'readonly',
        URL: 'readonly',
        FormData: 'readonly',
        HTMLInputElement: 'readonly',
        HTMLElement: 'readonly',
      },
    },
  },
  {
    files: ['bench/**/*.mjs'],
    languageOptions: { globals: { AbortController: 'readonly', Response: 'readonly' } },
  },
  {
    files: ['scripts/**/*.mjs', '*.js', 'server/**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
  },
);
