import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const FRAMEWORKS = ['@nestjs/*', 'typeorm', 'mongoose', 'mongodb', 'pg', 'fastify', '@fastify/*', 'bullmq', 'ioredis'];

/** Where unknown data becomes a typed value, once, after a look at it. Only here may `as` stand. */
const BOUNDARY_PARSERS = [
  'libs/kernel/src/ids.ts', // brands an id
  'libs/platform/config/src/config.ts', // the environment becomes the config tree
  'libs/platform/postgres/src/postgres.ts', // rows, and the driver inside TypeORM
  'libs/platform/queue/src/job-runner.ts', // a job's payload finds its handler
];

/** Within the limits of length until the code was formatted, and above them since. Nothing is added to this list; who changes such a file splits it and takes it off. */
const LONGER_SINCE_FORMATTED = [
  'apps/api-e2e/src/contract-edge.e2e-spec.ts',
  'apps/api-e2e/src/contract.e2e-spec.ts',
  'apps/api-e2e/src/members-input.e2e-spec.ts',
  'apps/api/src/chat/conversations.controller.ts',
  'apps/api/src/http/edge.spec.ts',
  'libs/conversations/src/backup.int-spec.ts',
  'libs/conversations/src/conversations.int-spec.ts',
  'libs/conversations/src/cost.int-spec.ts',
  'libs/conversations/src/membership-races.int-spec.ts',
  'libs/conversations/src/verify.int-spec.ts',
  'libs/identity/src/sessions.int-spec.ts',
  'libs/search/src/search-messages.int-spec.ts',
  'tools/bench/floor/main.mjs',
  'tools/bench/floor/search.mjs',
  'tools/drill/door.mjs',
  'tools/local-stack/npm-start.int-spec.ts',
];

const SPECS = [
  '**/*.spec.ts',
  '**/*.int-spec.ts',
  '**/*.e2e-spec.ts',
  '**/test-*.ts',
  'libs/testing/**/*.ts',
  'apps/api-e2e/**/*.ts',
  'tools/**/*.ts',
];

/** Who may import whom (docs/ARCHITECTURE.md), and which features a feature may build on. */
const boundaries = [
  {
    sourceTag: 'type:app',
    onlyDependOnLibsWithTags: ['type:feature', 'type:contract', 'type:platform', 'type:kernel'],
  },
  {
    sourceTag: 'type:feature',
    onlyDependOnLibsWithTags: ['type:feature', 'type:contract', 'type:platform', 'type:kernel'],
  },
  { sourceTag: 'type:platform', onlyDependOnLibsWithTags: ['type:platform', 'type:contract', 'type:kernel'] },
  {
    sourceTag: 'type:contract',
    onlyDependOnLibsWithTags: ['type:contract', 'type:kernel'],
    allowedExternalImports: ['zod'],
  },
  { sourceTag: 'type:kernel', onlyDependOnLibsWithTags: ['type:kernel'], bannedExternalImports: ['*'] },
  {
    sourceTag: 'type:testing',
    onlyDependOnLibsWithTags: ['type:contract', 'type:platform', 'type:kernel', 'type:tool'],
  },
  { sourceTag: 'type:e2e', onlyDependOnLibsWithTags: ['type:testing', 'type:contract', 'type:kernel'] },
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:tool'] },
  { sourceTag: 'scope:identity', onlyDependOnLibsWithTags: ['scope:identity', 'scope:shared'] },
  {
    sourceTag: 'scope:conversations',
    onlyDependOnLibsWithTags: ['scope:conversations', 'scope:usage', 'scope:shared'],
  },
  { sourceTag: 'scope:usage', onlyDependOnLibsWithTags: ['scope:usage', 'scope:shared'] },
  {
    sourceTag: 'scope:search',
    onlyDependOnLibsWithTags: ['scope:search', 'scope:conversations', 'scope:usage', 'scope:shared'],
  },
  {
    sourceTag: 'scope:assistant',
    onlyDependOnLibsWithTags: ['scope:assistant', 'scope:conversations', 'scope:usage', 'scope:shared'],
  },
];

/** Specs may besides import builders from libs/testing, and any package. */
const boundariesOfSpecs = boundaries.map(({ sourceTag, onlyDependOnLibsWithTags }) => ({
  sourceTag,
  onlyDependOnLibsWithTags: sourceTag.startsWith('type:')
    ? [...onlyDependOnLibsWithTags, 'type:testing']
    : onlyDependOnLibsWithTags,
}));

const enforce = (depConstraints, options = {}) => ['error', { depConstraints, ...options }];

/** Controllers and handlers translate and call a use case: their methods have at most ten lines between the braces. */
const thinMethods = {
  meta: { type: 'suggestion', schema: [] },
  create: (context) => ({
    'MethodDefinition > FunctionExpression > BlockStatement'({ loc }) {
      const lines = loc.end.line - loc.start.line - 1;
      if (lines > 10)
        context.report({
          loc,
          message: `This method has ${lines} lines, and 10 are allowed: what is true no matter who asks belongs into a use case.`,
        });
    },
  }),
};

const house = { rules: { 'thin-methods': thinMethods } };

export default tseslint.config(
  { ignores: ['**/node_modules', 'dist', '.nx', '.data', 'coverage'] },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    plugins: { '@nx': nx },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@nx/enforce-module-boundaries': enforce(boundaries),
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 40, skipComments: true }],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.name='forwardRef']",
          message: 'Two classes that need each other are one class, or lack a third: no forwardRef.',
        },
      ],
    },
  },
  {
    // A platform lib's specs use libs/testing, which stands on the platform: a circle, but never in what ships.
    files: SPECS,
    rules: {
      '@nx/enforce-module-boundaries': enforce(boundariesOfSpecs, {
        allow: ['../../../tools/local-stack/*'],
        ignoredCircularDependencies: [['testing', '*']],
      }),
    },
  },
  {
    // Scripts are run by plain node, which knows no alias.
    files: ['tools/**/*.mjs', 'tools/**/*.js', 'tools/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': enforce(boundariesOfSpecs, {
        allow: ['../build/*', '../local-stack/*', '../../local-stack/*', '../testing/*', '../../jest.preset.js'],
      }),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended, tseslint.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/max-params': ['error', { max: 6 }],
      '@typescript-eslint/no-unused-vars': 'off', // tsc says it already
      '@typescript-eslint/no-extraneous-class': 'off', // a Nest module is a class with nothing in it
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-console': 'error', // the log is JSON lines: libs/platform/logging
    },
  },
  {
    files: ['**/*.ts'],
    ignores: [...SPECS, 'libs/platform/config/**', 'apps/*/src/main.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only libs/platform/config reads the environment, which main.ts hands to it.',
        },
      ],
    },
  },
  {
    files: ['apps/api/src/**/*.ts'],
    ignores: ['apps/api/src/http/validation.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@nestjs/common',
              importNames: ['Body', 'Query'],
              message: 'RequestBody and RequestQuery of http/validation.ts parse what they give.',
            },
            {
              name: '@edgechat/platform/logging',
              importNames: ['currentRequestId', 'workContext'],
              message: 'A context costs each promise of the process: hand the id of the request to whom it concerns.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['apps/api/src/**/*.controller.ts', 'apps/worker/src/handlers.ts'],
    plugins: { house },
    rules: { 'house/thin-methods': 'error' },
  },
  // The abstract class is the token, the interface of the same name gives it the fields of the settings table.
  {
    files: ['libs/platform/config/src/config.ts'],
    rules: { '@typescript-eslint/no-unsafe-declaration-merging': 'off' },
  },
  { files: BOUNDARY_PARSERS, rules: { '@typescript-eslint/consistent-type-assertions': 'off' } },
  {
    files: ['**/domain/**/*.ts'],
    ignores: SPECS,
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: FRAMEWORKS, message: 'A domain folder is plain TypeScript.' }] },
      ],
    },
  },
  {
    files: SPECS,
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/consistent-type-assertions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: LONGER_SINCE_FORMATTED,
    rules: { 'max-lines': 'off', 'max-lines-per-function': 'off', 'house/thin-methods': 'off' },
    plugins: { house },
  },
);
