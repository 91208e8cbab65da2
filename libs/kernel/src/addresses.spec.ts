import fc from 'fast-check';
import { foldCase, mailboxKey } from './addresses.js';

describe('a text', () => {
  it('is folded in any script and either composition', () => {
    expect(foldCase('ADA@Example.COM')).toBe('ada@example.com');
    expect(foldCase('JO\u0308RG@B\u00dcCHER.example')).toBe(foldCase('j\u00f6rg@bu\u0308cher.example'));
    expect(foldCase('ΝΙΚΟΣ@example.com')).toBe(foldCase('νικος@example.com'));
    expect(foldCase('НИНА@example.com')).toBe('нина@example.com');
  });

  it("of somebody else stays somebody else's, however alike it looks", () => {
    expect(foldCase('m\u0131ke@example.com')).not.toBe(foldCase('mike@example.com'));
    expect(foldCase('cha\u017fe@example.com')).not.toBe(foldCase('chase@example.com'));
  });

  it('folds to what folds to itself', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => foldCase(foldCase(text)) === foldCase(text)));
  });
});

describe('a mailbox', () => {
  it.each([
    ['x@bücher.example', 'x@xn--bcher-kva.example'],
    ['x@BÜCHER.Example', 'x@XN--Bcher-KVA.example'],
    ['x@bu\u0308cher.example', 'x@xn--bcher-kva.example'],
    ['x@ｂücher.ｅxample', 'x@bücher.example'],
    ['x@ｅｘａｍｐｌｅ.com', 'x@example.com'],
    ['ｘ@example.com', 'x@example.com'],
    ['Ａｄａ@example.com', 'ada@example.com'],
    ['ｶﾞ@example.com', 'ガ@example.com'],
    ['x@STRAẞE.example', 'x@straße.example'],
    ['x@ΒΌΛΟΣ.example', 'x@βόλος.example'],
    ['x@xn--nxasmm1c.example', 'x@βόλοσ.example'],
    ['ΝΊΚΟΣ@example.com', 'νίκος@example.com'],
    ['x@例子.中国', 'x@xn--fsqu00a.xn--fiqs8s'],
  ])('is one in both spellings: %s and %s', (one, other) => {
    expect(mailboxKey(one)).toBe(mailboxKey(other));
  });

  it.each([
    ['x@straße.example', 'x@strasse.example'],
    ['x@bücher.example', 'x@bucher.example'],
    ['x@نامهای.example', 'x@xn--mgba3gch31f060k.example'], // with a joiner in it: another domain
    ['ﬁ@example.com', 'fi@example.com'],
    ['x²@example.com', 'x2@example.com'],
    ['ſ@example.com', 's@example.com'],
    ['ı@example.com', 'i@example.com'],
    ['x@ıx.example', 'x@ix.example'],
    ['a.b@example.com', 'ab@example.com'],
    ['a+b@example.com', 'a@example.com'],
  ])('is another than one that may be somebody else’s: %s and %s', (one, other) => {
    expect(mailboxKey(one)).not.toBe(mailboxKey(other));
  });

  it('has a domain in ASCII, also in one that has no ASCII form the case and composition alone', () => {
    expect(mailboxKey('X@Bücher.Example')).toBe('x@xn--bcher-kva.example');
    expect(mailboxKey('X@xn--a.Example')).toBe('x@xn--a.example');
    expect(mailboxKey('x@a⒈B.example')).toBe('x@a⒈b.example');
  });

  it('is never at an IP address that a domain only looks like to a browser', () => {
    expect(mailboxKey('x@1.0x7F')).toBe('x@1.0x7f');
    expect(mailboxKey('x@１２７.０.０.１')).toBe('x@１２７.０.０.１');
  });

  it('has a key whose key it is, and is told apart by it no finer than by case', () => {
    const letters = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const label = letters.map((text) => text.replace(/[^\p{L}\p{N}\p{M}-]/gu, 'ü'));
    const address = fc.tuple(letters, label, label).map(([local, one, two]) => `${local}@${one}.${two}`);
    fc.assert(
      fc.property(address, (text) => {
        expect(mailboxKey(mailboxKey(text))).toBe(mailboxKey(text));
        expect(mailboxKey(foldCase(text))).toBe(mailboxKey(text));
      }),
    );
  });
});
