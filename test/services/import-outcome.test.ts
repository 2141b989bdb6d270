import { expect } from 'chai';
import { outcomeOf } from '../../server/services/import-outcome.ts';
import type { ImportCounts, ImportKind, ImportStatus } from '../../server/services/import-service.ts';

const counts = (given: Partial<ImportCounts>): ImportCounts => {
  const states = { waiting: 0, running: 0, indexed: 0, unchanged: 0, skipped: 0, failed: 0, removed: 0, ...given };
  return { ...states, total: Object.values(states).reduce((sum, count) => sum + count, 0) };
};

function told(
  given: Partial<ImportCounts>,
  options: {
    reasons?: [code: string, count: number][];
    folders?: number;
    kind?: ImportKind;
    status?: ImportStatus;
    recursive?: boolean;
  } = {},
): string {
  const { reasons = [], folders = 1, kind = 'import', status = 'finished', recursive = true } = options;
  return outcomeOf(
    { kind, status, recursive, counts: counts(given) },
    reasons.map(([code, count]) => ({ code, count, state: 'skipped' })),
    folders,
  );
}

describe('the outcome of a run that brought nothing', () => {
  it('says that the selection is empty', () => {
    expect(told({})).to.equal('The selected folder is empty.');
    expect(told({}, { folders: 4 })).to.equal(
      'The selected folders are empty: none of the 4 that were listed holds a file.',
    );
    expect(told({}, { recursive: false })).to.contain('right inside');
  });

  it('says why none of the files can be imported, the most frequent reason first', () => {
    const reasons: [string, number][] = [
      ['encrypted', 2],
      ['unsupported', 9],
      ['too_large', 1],
    ];
    expect(told({ skipped: 12 }, { reasons })).to.equal(
      'None of the 12 files can be imported: 9 are of a kind that is not read, 2 are protected by a password and 1 is too large.',
    );
    expect(told({ skipped: 11, failed: 1 }, { reasons })).to.match(/^None of the 12 files was imported: /);
    expect(told({ skipped: 1 }, { reasons: [['no_text', 1]] })).to.equal(
      'The file cannot be imported: it is without text.',
    );
    expect(told({ failed: 1 }, { reasons: [['something_new', 1]] })).to.equal(
      'The file was not imported: its row says why.',
    );
  });

  it('says that all were left as they were, or how many of them', () => {
    expect(told({ unchanged: 5 })).to.equal(
      'All 5 were left as they were: nothing has changed since they were imported.',
    );
    expect(told({ unchanged: 1 })).to.match(/^The file was left as it was/);
    expect(told({ unchanged: 5, skipped: 1 }, { reasons: [['too_large', 1]] })).to.equal(
      'Nothing new was imported: 5 were left as they were, and of the other 1 none can be imported: 1 is too large.',
    );
  });

  it('says of a sync that nothing has changed, and of one that was cancelled that it was', () => {
    expect(told({}, { kind: 'sync' })).to.equal('Nothing has changed.');
    expect(told({}, { status: 'cancelled' })).to.equal('The import was cancelled before anything was found.');
    expect(told({ skipped: 3 }, { status: 'cancelled', reasons: [['cancelled', 3]] })).to.equal(
      'None of the 3 files was imported: 3 are left out because it was cancelled.',
    );
  });
});
