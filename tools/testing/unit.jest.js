import preset from '../../jest.preset.js';

/** `*.spec.ts`: no input or output, so five seconds are plenty. */
export default { ...preset, testMatch: ['**/*.spec.ts'] };
