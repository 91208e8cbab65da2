import { scramVerifier } from './scram-verifier.js';

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');

describe('the verifier of a password', () => {
  // RFC 7677, section 3: user "user", password "pencil", this salt, 4096 iterations. The proof there comes of this stored key.
  it('is that of RFC 7677', () => {
    expect(scramVerifier('pencil', salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  it('has another salt each time, and nothing of the password', () => {
    const made = [scramVerifier('s3cret-7f3a'), scramVerifier('s3cret-7f3a')];
    expect(made[0]).not.toBe(made[1]);
    expect(made.join()).not.toContain('7f3a');
  });

  it.each([
    ['a compatibility letter', 'o\uFB03ce', 'office'],
    ['a space that is none of ASCII', 'a\u00A0b', 'a b'],
    ['a soft hyphen', 'pass\u00ADword', 'password'],
  ])('takes %s for what it stands for, as PostgreSQL does', (_, written, meant) => {
    expect(scramVerifier(written, salt)).toBe(scramVerifier(meant, salt));
  });
});
