import type { ImportDetail } from '../../server/services/import-service.ts';
import type { TestHub } from './hub.ts';
import { waitFor } from './wait.ts';

/** The admin's import once it has ended, with the first page of its ledger. */
export const finishedImport = (hub: TestHub, id: string, timeoutMs = 30_000): Promise<ImportDetail> =>
  waitFor(
    'the import to finish',
    async () => {
      const detail = await hub.context.imports.get(hub.admin, id);
      return detail.finishedAt !== null && detail;
    },
    timeoutMs,
  );
