import { expect } from 'chai';
import { formatBytes, formatDate, formatMediaType, plural } from '../../server/format.ts';

describe('what pages show of numbers, sizes and times', () => {
  it('sizes have the unit that leaves one to three digits', () => {
    expect(
      [0, 1, 999, 1000, 1234, 9949, 9950, 48_213, 999_499, 999_500, 2_348_213, 5e9, 3e15].map(formatBytes),
    ).to.deep.equal([
      '0 bytes',
      '1 byte',
      '999 bytes',
      '1 kB',
      '1.2 kB',
      '9.9 kB',
      '10 kB',
      '48 kB',
      '999 kB',
      '1 MB',
      '2.3 MB',
      '5 GB',
      '3,000 TB',
    ]);
    expect(formatBytes(undefined)).to.equal('');
  });

  it('times are given for machines and, in UTC, for people', () => {
    expect(formatDate(new Date('2026-11-21T09:04:59.999Z'))).to.deep.equal({
      iso: '2026-11-21T09:04:59.999Z',
      text: '21 Nov 2026, 09:04 UTC',
    });
  });

  it('counts agree with their word', () => {
    expect([plural(0, 'item'), plural(1, 'item'), plural(1204, 'item'), plural(2, 'entry', 'entries')]).to.deep.equal([
      '0 items',
      '1 item',
      '1,204 items',
      '2 entries',
    ]);
  });

  it('a media type that nobody knows is called after the extension of the file', () => {
    expect(formatMediaType('application/pdf; charset=binary')).to.equal('PDF');
    expect(formatMediaType('video/mp4', 'drill.mp4')).to.equal('Video');
    expect(formatMediaType('application/octet-stream', 'plan.dwg')).to.equal('DWG');
    expect(formatMediaType('application/octet-stream', 'plan')).to.equal('File');
  });
});
