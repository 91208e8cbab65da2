import { commandOf } from './admin.js';

const ID = '01900000-0000-7000-8000-0000000000aa';

describe('the arguments of a command', () => {
  it.each([[['verify']], [['rebuild', 'inbox']], [['messages', 'dump']]])('%j say everything', (args) => {
    expect(commandOf(args).given).toEqual({
      conversation: null,
      isSure: false,
      uses: null,
      days: null,
      operands: [],
    });
  });

  it.each([[['--conversation', ID]], [[`--conversation=${ID.toUpperCase()}`]]])(
    'may name a conversation: %j',
    (options) => {
      expect(commandOf(['rebuild', 'search', ...options]).given.conversation).toBe(ID);
    },
  );

  it('may be an address, or a yes', () => {
    expect(commandOf(['set-password', 'ada@example.com']).given.operands).toEqual(['ada@example.com']);
    expect(commandOf(['messages', 'wipe', '--yes']).given.isSure).toBe(true);
  });

  it('may say how long an invitation is good, and for how many', () => {
    expect(commandOf(['invite', '--days', '30', '--uses=5']).given).toMatchObject({ uses: 5, days: 30 });
    expect(commandOf(['invite']).given).toMatchObject({ uses: null, days: null });
  });

  it.each(['0x5', '-1', '1.5', '', 'many', '1e3'])('are refused where they are no number: %j', (text) => {
    expect(() => commandOf(['invite', `--uses=${text}`])).toThrow('--uses is a whole number');
  });

  it.each([
    [[]],
    [['invite', 'ada@example.com']],
    [['invite', '--yes']],
    [['lock-account']],
    [['unlock-account', 'ada@example.com', '--days', '1']],
    [['rebuild']],
    [['rebuild', 'everything']],
    [['rebuild', 'inbox', ID]],
    [['verify', 'twice']],
    [['verify', '--yes']],
    [['verify', '--conversation', ID]],
    [['set-password']],
    [['set-password', 'a', 'b']],
    [['--help']],
    [['rebuild', 'inbox', '--conversation']],
    [['constructor']],
  ])('are refused with the list of commands where they are wrong: %j', (args: string[]) =>
    expect(() => commandOf(args)).toThrow('There is no such command. There are:'),
  );

  it('are refused where no conversation can have the id', () => {
    expect(() => commandOf(['rebuild', 'inbox', '--conversation', '7'])).toThrow('This is no id of a conversation.');
  });
});
