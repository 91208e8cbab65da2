import { instantOfCursor, readCursor, writeCursor } from './cursor.js';

const BAD = expect.objectContaining({
  code: 'validation_failed',
  options: { errors: [expect.objectContaining({ field: '/cursor', code: 'bad_cursor' })] },
});

describe('a cursor', () => {
  const cursor = writeCursor(['members', 7, 'a'], [1_795_521_600_000, 23]);

  it('gives back the place in the list that it was written for', () => {
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(readCursor(['members', 7, 'a'], cursor)).toEqual([1_795_521_600_000, 23]);
  });

  it.each([
    [['conversations', 7, 'a']],
    [['members', 8, 'a']],
    [['members', 7, 'b']],
    [['members', 7]],
    [['members', '7', 'a']],
  ] as const)('is none in another list: %j', (list) => {
    expect(() => readCursor(list, cursor)).toThrow(BAD);
  });

  it.each([
    '',
    'x',
    `${cursor}x`,
    `${cursor}=`,
    ` ${cursor}`,
    cursor.slice(1),
    Buffer.from('null').toString('base64url'),
    Buffer.from('[["members",7,"a"]]').toString('base64url'),
    Buffer.from('[["members",7,"a"],{}]').toString('base64url'),
  ])('is none in any spelling but its own: %s', (other) => {
    expect(() => readCursor(['members', 7, 'a'], other)).toThrow(BAD);
  });

  it.each([undefined, '1', 1.5, -1, 8.64e15 + 1, NaN, null])('holds no instant in %j', (value) => {
    expect(() => instantOfCursor(value)).toThrow(BAD);
  });
});
