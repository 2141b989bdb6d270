import { expect } from 'chai';
import type { Request } from 'express';
import { checked } from '../../server/api/input.ts';
import { waitSeconds } from '../../server/api/prefer.ts';
import * as schemas from '../../server/api/schemas.ts';
import { InvalidInputError } from '../../server/errors.ts';

describe('input of the JSON API', () => {
  function errorsOf(work: () => unknown): { field: string; message: string }[] {
    try {
      work();
    } catch (error) {
      if (error instanceof InvalidInputError) return error.details.errors as { field: string; message: string }[];
      throw error;
    }
    return [];
  }

  it('is refused with one entry for each field, which names its place', () => {
    expect(
      errorsOf(() =>
        checked(schemas.importItemsRequest, { items: [{ integrationId: '', fileId: 7 }, {}], recursiv: true }),
      ),
    ).to.deep.equal([
      { field: 'items.0.integrationId', message: 'items.0.integrationId: must not be empty.' },
      { field: 'items.0.fileId', message: 'items.0.fileId: expected string, received number.' },
      { field: 'items.1.integrationId', message: 'items.1.integrationId: is required.' },
      { field: 'items.1.fileId', message: 'items.1.fileId: is required.' },
      { field: 'recursiv', message: 'recursiv: is not known here.' },
    ]);
    expect(errorsOf(() => checked(schemas.importFilesRequest, [])).map(({ field }) => field)).to.deep.equal(['']);
  });

  it('gets the documented defaults', () => {
    expect(checked(schemas.importFilesRequest, { fileIds: ['a'], category: null })).to.deep.equal({
      fileIds: ['a'],
      category: null,
      recursive: true,
      includeChildren: false,
      includeAttachments: false,
    });
    expect(checked(schemas.disconnectQuery, {})).to.deep.equal({ documents: 'keep' });
    expect(checked(schemas.filesQuery, {})).to.deep.equal({ folder_id: 'root' });
  });

  it('takes at most 500 files at once, and expiry times in the future only', () => {
    const fileIds = Array.from({ length: 501 }, (_, index) => `file ${index}`);
    expect(errorsOf(() => checked(schemas.importFilesRequest, { fileIds }))[0]?.message).to.include('at most 500');
    expect(errorsOf(() => checked(schemas.importFilesRequest, { fileIds: fileIds.slice(1) }))).to.deep.equal([]);
    expect(
      errorsOf(() => checked(schemas.createTokenRequest, { name: 'x', expiresAt: '2020-01-01T00:00:00Z' })),
    ).to.deep.equal([{ field: 'expiresAt', message: 'expiresAt: must be in the future.' }]);
    expect(errorsOf(() => checked(schemas.createTokenRequest, { name: 'x', expiresAt: 'tomorrow' }))).to.have.length(1);
  });

  it('understands a preference to wait, up to a minute', () => {
    const seconds = (prefer?: string) => waitSeconds({ get: () => prefer } as unknown as Request);
    expect(seconds()).to.equal(undefined);
    expect(seconds('respond-async')).to.equal(undefined);
    expect(seconds('wait=5')).to.equal(5);
    expect(seconds('respond-async, Wait = "10"; foo')).to.equal(10);
    expect(seconds('wait=100000')).to.equal(60);
    expect(seconds('wait=-1')).to.equal(undefined);
  });
});
