import { Writable } from 'node:stream';
import { expect } from 'chai';
import type { Progress } from '../../server/cli/desk.ts';
import { createProgressLine, outcomeLines } from '../../server/cli/progress.ts';

const NONE = { waiting: 0, running: 0, indexed: 0, unchanged: 0, skipped: 0, failed: 0, removed: 0 };

function progress(
  counts: Partial<Progress['import']['counts']>,
  rest: Partial<Progress['import']> = {},
): Progress['import'] {
  const all = { ...NONE, ...counts };
  const total = Object.values(all).reduce((sum, count) => sum + count, 0);
  return {
    id: '99999999-9999-4999-8999-999999999999',
    kind: 'import',
    status: 'running',
    held: false,
    category: null,
    counts: { ...all, total },
    listed: total,
    foldersWaiting: 0,
    startedAt: '2026-11-22T06:00:00.000Z',
    finishedAt: null,
    ...rest,
  };
}

const rates = (etaSeconds: number | null): Progress['import']['progress'] => ({
  stages: { listing: 0, downloading: 1, reading: 0, embedding: 0, saving: 0 },
  ratePerMinute: 119.6,
  bytesPerSecond: 10,
  etaSeconds,
  current: [],
  throttledUntil: null,
  throttledBy: null,
});

describe('the line of progress', () => {
  function screen(terminal: { isTTY?: boolean; columns?: number }) {
    const written: string[] = [];
    const stderr = Object.assign(
      new Writable({ write: (part: Buffer, _encoding, done) => (written.push(part.toString()), done()) }),
      terminal,
    );
    return { io: { env: {}, stdin: process.stdin, stdout: process.stdout, stderr }, written };
  }

  it('is drawn over on a terminal, with a bar, counts, rate and time left, and is gone in the end', () => {
    const { io, written } = screen({ isTTY: true, columns: 120 });
    const line = createProgressLine(io, 'jira (ada)', { quiet: true });
    line.show(progress({ waiting: 5, indexed: 1200 }, { foldersWaiting: 2 }));
    line.show(progress({ waiting: 600, indexed: 590, failed: 10 }, { progress: rates(300) }));
    line.end();
    expect(written).to.deep.equal([
      '\r\x1b[2K[#######################.] 1,200 of 1,205 so far, 1,200 indexed',
      '\r\x1b[2K[############............] 600 of 1,200, 590 indexed, 10 failed, 120 a minute, 5 minutes left',
      '\r\x1b[2K',
    ]);
  });

  it('never breaks into two lines', () => {
    const { io, written } = screen({ isTTY: true, columns: 40 });
    createProgressLine(io, 'x', { quiet: false }).show(
      progress({ waiting: 600, indexed: 590 }, { progress: rates(300) }),
    );
    expect(written.join('').replace('\r\x1b[2K', '')).to.have.length(39);
  });

  it('is plain where nobody looks, and not there where it was not wanted', () => {
    const plain = screen({});
    const line = createProgressLine(plain.io, 'jira (ada)', { quiet: false });
    for (const indexed of [1, 1, 2]) line.show(progress({ waiting: 5, indexed }));
    line.end();
    expect(plain.written).to.deep.equal(['jira (ada): 1 of 6, 1 indexed\n']);
    const quiet = screen({});
    createProgressLine(quiet.io, 'x', { quiet: true }).show(progress({ waiting: 5 }));
    expect(quiet.written).to.deep.equal([]);
  });

  it('ends in sentences: what became of it, why as a whole, what it asks, what failed', () => {
    const item = {
      id: progress({}).id,
      name: 'a.pdf',
      path: 'My Drive/a.pdf',
      status: 'failed' as const,
      reason: 'It is broken.',
      attempts: 1,
    };
    const ended = progress({ indexed: 2, failed: 3 }, { status: 'failed', problem: 'The list broke off.' });
    expect(outcomeLines({ import: ended, failed: [item] }, 'http://hub/1')).to.deep.equal([
      'The import failed: 2 indexed, 3 failed. The list broke off.',
      'failed  My Drive/a.pdf: It is broken.',
      '… and 2 more: http://hub/1',
    ]);
    const held = outcomeLines(
      { import: progress({ indexed: 1 }, { kind: 'sync', held: true }), failed: [] },
      'http://hub/2',
    );
    expect(held).to.deep.equal([
      'The sync is under way: 1 indexed, 0 to go.',
      'It waits to be told whether to remove documents here: http://hub/2',
    ]);
  });
});
