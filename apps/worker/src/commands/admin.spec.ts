import { commandOf } from './admin.js';

const ID = '01900000-0000-7000-8000-0000000000aa';
const NOTHING = { conversation: null, days: null, email: null, asJson: false, isSure: false, uses: null };

describe('the arguments of a command', () => {
  it.each([[['verify']], [['rebuild', 'inbox']], [['messages', 'dump']]])('%j say everything', (args) => {
    expect(commandOf(args).given).toEqual({ ...NOTHING, operands: [] });
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

  it('may say whose events of how many days, and in which form', () => {
    expect(commandOf(['events']).given).toEqual({ ...NOTHING, operands: [] });
    expect(commandOf(['events', '--email', 'ada@example.com', '--days=7', '--json']).given).toMatchObject({
      email: 'ada@example.com',
      days: 7,
      asJson: true,
    });
  });

  it.each(['0', '-1', '1.5', '7d', '', '10000'])('are refused where they are no number of days: %j', (days) => {
    expect(() => commandOf(['events', `--days=${days}`])).toThrow('--days is a whole number from 1 to 9999.');
  });

  it.each([
    [[]],
    [['invite', 'ada@example.com']],
    [['invite', '--yes']],
    [['lock-account']],
    [['unlock-account', 'ada@example.com', '--days', '1']],
    [['events', 'ada@example.com']],
    [['events', '--yes']],
    [['verify', '--json']],
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
