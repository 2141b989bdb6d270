import { checkAll, openContracts, type Checked, type Exchange } from './exchanges.ts';

/** Checks exchanges against Dropbox's own descriptions, refusing what they do not name; undefined where those are not there. */
export async function checkExchanges(exchanges: Exchange[]): Promise<Checked | undefined> {
  const contracts = await openContracts({
    api: ['dropbox', 'dropbox-v2.openapi.json'],
    oauth: ['oauth', 'dropbox.openapi.json'],
  });
  if (!contracts) return undefined;
  const api = contracts.api({ strict: true });
  const oauth = contracts.oauth({ strict: true });
  return checkAll(exchanges, (_exchange, pathname) => {
    const contract = pathname.startsWith('/2/') ? api : oauth;
    return { sent: contract, given: (answer) => contract.checkResponse(answer).errors };
  });
}
