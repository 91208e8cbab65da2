import preset from '../../jest.preset.js';

/** `*.int-spec.ts`: one part of the system on real engines, whose addresses come from the environment. */
export default {
  ...preset,
  testMatch: ['**/*.int-spec.ts'],
  globalSetup: import.meta.dirname + '/engines-required.mjs',
  testTimeout: 60_000,
};
