import { readFileSync } from 'node:fs';
import { referencePath } from '../helpers/requirements.ts';
import { checkAll, openContracts, type Checked, type Exchange } from './exchanges.ts';

/** Calls that Confluence documents, but its descriptions leave out here. */
const UNDESCRIBED = /\/(users-bulk|(whiteboards|databases|embeds)\/.+)$/;

/**
 * Checks exchanges with the API of Confluence Cloud, at a site or the gateway, against its own descriptions; undefined where those are not
 * there. In answers more fields may stand than are described: the links of single things are described twice, and differently.
 */
export async function checkConfluenceExchanges(exchanges: Exchange[]): Promise<Checked | undefined> {
  const contracts = await openContracts({
    v1: ['confluence', 'confluence-cloud-v1.openapi.json'],
    v2: ['confluence', 'confluence-cloud-v2.openapi.json'],
  });
  const overlay = referencePath('specs', 'overlays', 'confluence-cloud-v2.json');
  if (!contracts || !overlay) return undefined;
  const { patches } = JSON.parse(readFileSync(overlay, 'utf8')) as { patches: unknown };
  const options = { strict: false, prefix: /^\/ex\/confluence\/[^/]+/ };
  const withPatches = { ...options, overlay: patches };
  const [v1, v2] = [contracts.v1(options), contracts.v2(withPatches)];
  return checkAll(exchanges, ({ status }, pathname) => {
    if (!/\/wiki\/(rest\/api|api\/v2)\//.test(pathname) || UNDESCRIBED.test(pathname)) return {};
    const contract = pathname.includes('/wiki/api/v2/') ? v2 : v1;
    // Any call may be refused by the gateway; the bytes of a file come from where a redirect led.
    const isDescribed = status < 400 && !pathname.endsWith('/download');
    return { sent: contract, given: isDescribed ? (answer) => contract.checkResponse(answer).errors : undefined };
  });
}
