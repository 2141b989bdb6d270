import { checkAll, openContracts, type Checked, type Exchange } from './exchanges.ts';

/** Checks exchanges against Microsoft's own descriptions, refusing what they do not name; undefined where those are not there. */
export async function checkExchanges(exchanges: Exchange[]): Promise<Checked | undefined> {
  const contracts = await openContracts({
    graph: ['microsoft-graph', 'graph-v1.0.openapi.json'],
    oauth: ['oauth', 'microsoft.openapi.json'],
  });
  if (!contracts) return undefined;
  const graph = contracts.graph({ strict: 'all', annotations: '@' });
  // MSAL adds what it says of itself to each form and address; the answers have to be exact.
  const tokenRequests = contracts.oauth({ allowQuery: /^client-request-id$/ });
  const tokenAnswers = contracts.oauth({ strict: true });
  const driveItem = graph.schema('microsoft.graph.driveItem');
  return checkAll(exchanges, ({ status }, pathname) => {
    if (pathname === '/v1.0/organization') return {};
    // The description leaves this call out; what it gives are items all the same.
    if (pathname === '/v1.0/me/drive/sharedWithMe')
      return status === 200
        ? { given: ({ body }) => (JSON.parse(body ?? '') as { value: unknown[] }).value.flatMap(driveItem) }
        : {};
    const isGraph = pathname.startsWith('/v1.0/');
    const sent = isGraph ? graph : tokenRequests;
    // A download was followed to another host, of which there is no description.
    if (pathname.endsWith('/content') && status === 200) return { sent };
    return { sent, given: (answer) => (isGraph ? graph : tokenAnswers).checkResponse(answer).errors };
  });
}
