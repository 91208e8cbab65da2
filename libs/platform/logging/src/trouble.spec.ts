import { Trouble } from './trouble.js';

describe('a trouble', () => {
  const lines: [string, unknown][] = [];
  const trouble = new Trouble(
    { warn: (message, fields) => void lines.push([message, fields]) },
    'the store cannot be used',
  );
  beforeEach(() => {
    lines.length = 0;
    trouble.isOver();
  });

  it('is told once for each reason, however often it is met, and again after it was over', () => {
    const refused = (by: string): Error => Object.assign(new Error(`${by} ECONNRESET`), { code: 'ECONNRESET' });
    for (const error of [refused('read'), refused('write'), new Error('wrong password'), new Error('wrong password')])
      trouble.has(error);
    trouble.isOver();
    trouble.has(refused('read'), 'Is it another server?');
    trouble.has(new Error('no such protocol'), 'Is it another server?');

    expect(lines).toEqual([
      ['the store cannot be used', { reason: 'read ECONNRESET' }],
      ['the store cannot be used', { reason: 'wrong password' }],
      ['the store cannot be used. Is it another server?', { reason: 'read ECONNRESET' }],
    ]);
  });

  it('has the words of the first of several errors at once', () => {
    trouble.has(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('other')], ''));
    expect(lines).toEqual([['the store cannot be used', { reason: 'connect ECONNREFUSED ::1:1' }]]);
  });

  it('is the same with other numbers in its words', () => {
    for (const n of [1, 2]) trouble.has(new Error(`connection ${n} to 127.0.0.1:27017 closed`));
    expect(lines).toHaveLength(1);
  });

  it('has ten reasons at most', () => {
    for (let n = 0; n < 50; n += 1) trouble.has(new Error('x'.repeat(n + 1)));
    expect(lines).toHaveLength(10);
  });
});
