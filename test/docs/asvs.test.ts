import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { readPage, root } from './markdown.ts';

const STATES = ['met', 'not applicable', 'by the operator', 'not met'];
/** How many requirements the standard has in each chapter: level 1, level 2. Source: https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en */
const REQUIREMENTS: Record<string, [number, number]> = {
  1: [8, 19],
  2: [4, 7],
  3: [8, 11],
  4: [2, 8],
  5: [4, 5],
  6: [13, 22],
  7: [6, 12],
  8: [4, 3],
  9: [4, 3],
  10: [5, 24],
  11: [3, 11],
  12: [3, 6],
  13: [1, 12],
  14: [2, 7],
  15: [3, 10],
  16: [0, 16],
  17: [0, 7],
};

const { tables } = readPage('docs/asvs.md');
const [counts, ...chapters] = tables;
const rows = chapters.flatMap((table) => table.rows);

describe('the checklist of the ASVS', () => {
  it('has each requirement of levels 1 and 2 once, in its chapter', () => {
    const numbers = rows.map(([number]) => number);
    expect(new Set(numbers).size).to.equal(numbers.length);
    const found = chapters.map(({ rows: own }) => {
      const [chapter = ''] = (own[0]?.[0] ?? '').split('.');
      for (const [number = ''] of own) expect(number).to.match(new RegExp(`^${chapter}\\.\\d+\\.\\d+$`));
      return [chapter, ['1', '2'].map((level) => own.filter((row) => row[1] === level).length)];
    });
    expect(Object.fromEntries(found)).to.deep.equal(REQUIREMENTS);
  });

  it('says of each what it is about, its state and the reason', () => {
    for (const row of rows) {
      expect(row, row[0]).to.have.length(6);
      const [number, , subject, state, why] = row;
      expect(STATES, number).to.include(state);
      expect(subject, number).not.to.equal('');
      expect(why, number).not.to.equal('');
      if (state === 'not met') expect(why, number).to.match(/needed: |as \d+\.\d+\.\d+|before \d+\.\d+\.\d+ is/i);
    }
  });

  it('names files that exist, and at least one for what is met', () => {
    for (const [number, , , state, , shown = ''] of rows) {
      const files = [...shown.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
      expect(
        files.filter((file) => !existsSync(path.join(root, file))),
        number,
      ).to.deep.equal([]);
      expect(shown, number).to.equal(files.map((file) => `\`${file}\``).join(', '));
      if (state === 'met') expect(files, number).not.to.deep.equal([]);
    }
  });

  it('counts its states right', () => {
    const count = (state: string, level: string) => rows.filter((row) => row[1] === level && row[3] === state).length;
    const lines = STATES.map((state) => [state, count(state, '1'), count(state, '2')] as const);
    const total = ['all', ...[1, 2].map((at) => lines.reduce((sum, line) => sum + Number(line[at]), 0))] as const;
    const expected = [...lines, total].map(([state, one, two]) =>
      [state, one, two, Number(one) + Number(two)].map(String),
    );
    expect(counts?.rows).to.deep.equal(expected);
  });
});
