import { expect } from 'chai';
import { countTokens as countByLibrary } from 'gpt-tokenizer/encoding/o200k_base';
import { countTokens } from '../../server/pipeline/tokens.ts';

/** What a text of these is made of meets every rule by which the encoding divides it. */
const PARTS = (
  "a B the Word é ß слово 中 เ 1 23 2024 . , ! - _ / // ( ) \" “ ’ ' 's 'LL 😀 \u0301 <|endoftext|> " +
  '# \u00a0 \u3000 \u200b'
)
  .split(' ')
  .concat(' ', ' ', '  ', '\n', '\n\n', '\r\n', '\t');

describe('the count of tokens', () => {
  const byLibrary = (text: string): number => countByLibrary(text, { disallowedSpecial: new Set() });

  it('is the encoding’s own, whatever stands beside whatever', () => {
    let seed = 7;
    const below = (limit: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >>> 8) % limit;
    };
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: 1 + below(14) }, () => PARTS[below(PARTS.length)]).join('');
      // Counted twice: the second time what was found out before is used.
      for (const time of ['first', 'second'])
        expect(countTokens(text), `${JSON.stringify(text)}, ${time}`).to.equal(byLibrary(text));
    }
  });

  it('keeps no word in the place of another', () => {
    const words = Array.from({ length: 200_000 }, (_, at) => ` ${(at * 7_919).toString(36)}`);
    for (const [at, word] of words.entries())
      if (at % 97 === 0 || at < 1_000) {
        countTokens(words[(at + 13) % words.length]!);
        expect(countTokens(word), word).to.equal(byLibrary(word));
      }
  });

  it('is off by one in a thousand characters at most where nothing divides them, and takes no longer for it', () => {
    const run = 'ab'.repeat(20_000);
    const pieces = Array.from({ length: 40 }, (_, at) => byLibrary(run.slice(at * 1_000, (at + 1) * 1_000)));
    expect(countTokens(run)).to.equal(pieces.reduce((sum, tokens) => sum + tokens, 0));
  });
});
