import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { notRun, referencePath } from '../helpers/requirements.ts';
import { checkAll, openContracts, type Checked, type Contract, type Exchange } from './exchanges.ts';

/** Answers that are the gateway's or the site's and not the product's: any call may get them. */
const ALWAYS_POSSIBLE = new Set([401, 403, 404, 429, 503, 504]);
/** Two parts of the description say what the links of a single thing are; read strictly, each refuses what the other has. */
const HALVES = /^body\/_links: must NOT have additional properties '(base|webui|editui|tinyui|download)'$/;
/** Calls of Confluence that its descriptions leave out here. */
const UNDESCRIBED =
  /-comments(\/\d+\/children)?$|\/users-bulk$|\/spaces\/\d+\/blogposts$|\/(whiteboards|databases|embeds)\/|\/blogposts\/\d+\/(labels|versions)$/;

/** Checks answers of Atlassian's sign-in and of Confluence Cloud; undefined where the descriptions are not there. */
async function checkAnswers(exchanges: Exchange[]): Promise<Checked | undefined> {
  const contracts = await openContracts({
    v1: ['confluence', 'confluence-cloud-v1.openapi.json'],
    v2: ['confluence', 'confluence-cloud-v2.openapi.json'],
    oauth: ['oauth', 'atlassian.openapi.json'],
  });
  const overlay = referencePath('specs', 'overlays', 'confluence-cloud-v2.json');
  if (!contracts || !overlay) return undefined;
  const { patches } = JSON.parse(readFileSync(overlay, 'utf8')) as { patches: unknown };
  const options = { strict: true, prefix: /^\/ex\/confluence\/[^/]+/ };
  const withPatches = { ...options, overlay: patches };
  const known: [RegExp, Contract][] = [
    [/\/wiki\/api\/v2\//, contracts.v2(withPatches)],
    [/\/wiki\/rest\/api\//, contracts.v1(options)],
    [/^\/(oauth|me)\b/, contracts.oauth({ strict: true })],
  ];
  return checkAll(exchanges, ({ status }, pathname) => {
    const contract = known.find(([path]) => path.test(pathname))?.[1];
    if (!contract || UNDESCRIBED.test(pathname) || ALWAYS_POSSIBLE.has(status)) return {};
    return { given: (answer) => contract.checkResponse(answer).errors.filter((fault) => !HALVES.test(fault)) };
  });
}

/** The last test of a file: `exchanges` are those of all tests before it. The requests may be wrong on purpose. */
export function describeAtlassianWire(exchanges: Exchange[], atLeast: number): void {
  describe('on the wire', () => {
    it('answers only what the vendor’s own descriptions allow, also to those who ask wrongly', async () => {
      const checked = await checkAnswers(exchanges);
      if (!checked)
        return notRun('the check of the Atlassian stand-in against the vendor’s descriptions', 'they are not here');
      expect(checked.faults).to.deep.equal([]);
      expect(checked.answers).to.be.at.least(atLeast);
    });
  });
}
