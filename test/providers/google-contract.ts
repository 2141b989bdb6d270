import { checkAll, openContracts, type Checked, type Exchange } from './exchanges.ts';

/** Checks exchanges against Google's own descriptions, refusing what they do not name; undefined where those are not there. */
export async function checkExchanges(exchanges: Exchange[]): Promise<Checked | undefined> {
  const contracts = await openContracts({
    drive: ['google', 'drive-v3.openapi.json'],
    oauth: ['oauth', 'google.openapi.json'],
  });
  if (!contracts) return undefined;
  const drive = contracts.drive({ strict: true });
  const oauth = contracts.oauth({ strict: true });
  const userInfo = oauth.schema('UserInfo');
  return checkAll(exchanges, ({ status }, pathname) => {
    if (pathname.startsWith('/export-links/')) return {};
    // The description has what it gives, but not the call.
    if (pathname === '/oauth2/v3/userinfo')
      return status === 200 ? { given: ({ body }) => userInfo(JSON.parse(body ?? '')) } : {};
    const contract = pathname.startsWith('/drive/v3') ? drive : oauth;
    return { sent: contract, given: (answer) => contract.checkResponse(answer).errors };
  });
}
