import { expect } from 'chai';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { TestHub } from './hub.ts';
import { waitFor } from './wait.ts';

/** The admin's import once it has ended, with the first page of its ledger. Whatever it was, its rows are as many as the items that were listed. */
export async function finishedImport(hub: TestHub, id: string, timeoutMs = 30_000): Promise<ImportDetail> {
  const detail = await waitFor(
    'the import to finish',
    async () => {
      const found = await hub.context.imports.get(hub.admin, id);
      return found.finishedAt !== null && found;
    },
    timeoutMs,
  );
  expect(detail.mismatch).to.equal(undefined);
  return detail;
}
