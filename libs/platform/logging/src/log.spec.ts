import { describeError } from './log.js';

describe('an error in the log', () => {
  it.each(['a message', 'a message\n    at fake (file.js:1:2)\n'.repeat(300), ''])(
    'has the frames of its stack, and none that stands in its message',
    (message) => {
      const { stack = '' } = new Error(message);
      const frames = stack
        .slice(`Error: ${message}`.length)
        .split('\n')
        .filter((line) => line.startsWith('    at '));
      expect(frames.length).toBeGreaterThan(3);
      expect(describeError(new Error(message, { cause: 'none' }))).toMatchObject({
        stack: expect.not.stringContaining('fake'),
        message: message.slice(0, 500),
      });
      expect(describeError(Object.assign(new Error(message), { stack }))).toMatchObject({
        stack: frames.slice(0, 11).join('\n'),
      });
    },
  );
});
