import preset from '../../jest.preset.js';

/** `*.e2e-spec.ts`: the processes that ship, from outside. Some of them wait for outages, so they get two minutes each. */
export default {
  ...preset,
  testMatch: ['**/*.e2e-spec.ts'],
  globalSetup: import.meta.dirname + '/engines-required.mjs',
  testTimeout: 120_000,
};
