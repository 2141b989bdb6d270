import { expect } from 'chai';
import { excerpt, highlight, queryStems } from '../../server/highlight.ts';

const marked = (text: string, query: string): string[] =>
  highlight(text, queryStems(query))
    .filter((part) => part.hit)
    .map((part) => part.text);

describe('highlighted words of search results', () => {
  it('other forms of a word are marked, common words are not', () => {
    expect(marked('The sailings were suspended; no ferry sails.', 'When are the sailing suspended?')).to.deep.equal([
      'sailings',
      'suspended',
      'sails',
    ]);
  });

  it('common words are marked when the query has no others', () => {
    expect(marked('To be, or not to be', 'to be')).to.deep.equal(['To', 'be', 'to', 'be']);
  });

  it('short words do not mark longer ones that merely begin with them', () => {
    expect(marked('A cat in the category of cathedrals', 'cat')).to.deep.equal(['cat']);
  });

  it('the pieces joined are the text, whatever it holds', () => {
    for (const text of ['', 'wind', '<script>wind</script>', 'Wíndstärke 9 — Böe', 'a wind, b wind ', '風が強い wind'])
      expect(
        highlight(text, queryStems('wind Böe 9'))
          .map((part) => part.text)
          .join(''),
      ).to.equal(text);
  });

  it('an excerpt keeps to its length, starts at a word and shows where something is left out', () => {
    const text = `${'before '.repeat(200)}the wind limit is 22 m/s ${'after '.repeat(200)}`;
    const shown = excerpt(text, queryStems('wind limit'), 200);
    expect(shown).to.match(/^… before .* wind limit .* …$/);
    expect(shown.length).to.be.at.most(204);
    expect(excerpt('short  \n text', [], 200)).to.equal('short text');
    expect(excerpt('x'.repeat(1000), queryStems('x'), 200).length).to.be.at.most(204);
  });
});
