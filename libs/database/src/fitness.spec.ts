import { whyUnfit } from './fitness.js';

describe('a database', () => {
  it.each([150_000, 160_014, 180_003])('in UTF8 of version %i is taken', (version) =>
    expect(whyUnfit({ encoding: 'UTF8', version })).toBeNull(),
  );

  it.each([
    ['LATIN1', 160_014, /^the database has the encoding LATIN1, and only UTF8 .*encoding 'UTF8'/],
    ['SQL_ASCII', 160_014, /^the database has the encoding SQL_ASCII, /],
    ['UTF8', 140_012, /^PostgreSQL 14 is too old: 15 or newer is needed$/],
    ['UTF8', 90_624, /^PostgreSQL 9 is too old/],
  ])('in %s of version %i is refused with what to do', (encoding, version, sentence) =>
    expect(whyUnfit({ encoding, version })).toMatch(sentence),
  );
});
