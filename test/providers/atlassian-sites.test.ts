import { expect } from 'chai';
import { z } from 'zod';
import { createAtlassianClient } from '../../providers/atlassian/client.ts';
import { nextPath, pathBelow } from '../../providers/atlassian/paging.ts';
import { createSites } from '../../providers/atlassian/sites.ts';
import { ProviderError } from '../../providers/errors.ts';
import { parseConfig } from '../../server/config.ts';
import { connectionTo, GATEWAY, vendorWith, wiki } from './atlassian-script.ts';
import { failureOf } from './reading.ts';

const config = parseConfig({}).confluence;

describe('sites of Atlassian', () => {
  const RESOURCES = 'https://api.atlassian.com/oauth/token/accessible-resources';
  const site = (id: string, scopes: string[], url = `https://${id}.atlassian.net`) => ({ id, name: id, url, scopes });
  const sitesOf = (body: unknown) => {
    const vendor = vendorWith({ [RESOURCES]: { body } });
    const sites = createSites(config, wiki, createAtlassianClient(wiki));
    return { ...vendor, sites, connection: connectionTo(vendor.fetch) };
  };

  it('are those with the product, each once though it stands there once a product', async () => {
    const { sites, connection } = sitesOf([
      site('acme', ['read:jira-work']),
      site('acme', ['read:page:confluence', 'read:me']),
      site('tracker', ['read:jira-work', 'read:me', 'offline_access']),
      site('other', ['search:confluence'], 'https://other.atlassian.net/'),
    ]);
    expect(await sites.list(connection)).to.deep.equal([
      { cloudId: 'acme', name: 'acme', url: 'https://acme.atlassian.net' },
      { cloudId: 'other', name: 'other', url: 'https://other.atlassian.net' },
    ]);
  });

  it('are never an empty list: the consent then gave access to nothing', async () => {
    for (const body of [[], [site('acme', ['read:jira-work'])]]) {
      const { sites, connection } = sitesOf(body);
      const error = await failureOf(sites.list(connection));
      expect(error.kind).to.equal('denied');
      expect(error.message).to.contain('no site with Confluence');
    }
  });

  it('are asked on the gateway with a consent, and where the token works with a token', () => {
    const { sites, connection } = sitesOf([]);
    expect(sites.baseOf(connection, 'cloud-1')).to.equal(GATEWAY);
    const own = { url: 'https://acme.atlassian.net/wiki', apiUrl: 'https://acme.atlassian.net' };
    expect(sites.baseOf({ ...connection, site: own }, undefined)).to.equal('https://acme.atlassian.net');
    expect(() => sites.baseOf(connection, undefined))
      .to.throw(ProviderError)
      .with.property('kind', 'gone');
    expect(() => sites.baseOf({ ...connection, site: own }, 'cloud-1'))
      .to.throw(ProviderError)
      .with.property('kind', 'gone');
  });

  it('have an address that is asked for once', async () => {
    const { sites, connection, sent } = sitesOf([site('acme', ['search:confluence'])]);
    expect(await sites.urlOf(connection, 'acme')).to.equal('https://acme.atlassian.net');
    expect(await sites.urlOf(connection, 'acme')).to.equal('https://acme.atlassian.net');
    expect(sent).to.have.length(1);
    expect((await failureOf(sites.urlOf(connection, 'elsewhere'))).kind).to.equal('gone');
  });
});

describe('pages of Atlassian’s lists', () => {
  const next = (link: string, more: { context?: string; base?: string } = {}) =>
    nextPath({
      base: more.base ?? GATEWAY,
      path: '/wiki/api/v2/pages?limit=25',
      links: { next: link, context: more.context, base: 'https://acme.atlassian.net/wiki' },
      link: null,
    });

  it('stay behind the gateway’s prefix, which their links lack', () => {
    const path = '/wiki/api/v2/pages?cursor=x';
    expect(next(path)).to.deep.equal({ path });
    expect(next(`/ex/confluence/cloud-1${path}`)).to.deep.equal({ path });
    expect(next(`${GATEWAY}${path}`)).to.deep.equal({ path });
  });

  it('get the context in front that older calls leave out', () => {
    const link = '/rest/api/search?next=true&cursor=x';
    expect(next(link, { context: '/wiki' })).to.deep.equal({ path: `/wiki${link}` });
    expect(next(`/wiki${link}`, { context: '/wiki' })).to.deep.equal({ path: `/wiki${link}` });
    const server = { base: 'https://wiki.test/dc', context: '/dc' };
    expect(next('/rest/api/content?start=25', server)).to.deep.equal({ path: '/rest/api/content?start=25' });
    expect(next('/dc/rest/api/content?start=25', server)).to.deep.equal({ path: '/rest/api/content?start=25' });
  });

  it('are named by the body or by the header', () => {
    const header = (link: string | null) =>
      nextPath({ base: GATEWAY, path: '/wiki/api/v2/pages', links: undefined, link });
    const links = '<https://acme.atlassian.net/wiki>; rel="base", </wiki/api/v2/pages?cursor=x>; rel="next"';
    expect(header(links)).to.deep.equal({ path: '/wiki/api/v2/pages?cursor=x' });
    expect(header('<https://acme.atlassian.net/wiki>; rel="base"')).to.equal(undefined);
    expect(header(null)).to.equal(undefined);
  });

  it('never lie elsewhere, nor on the page itself', () => {
    for (const link of [
      'https://evil.test/wiki/api/v2/pages?cursor=x',
      'https://acme.atlassian.net/wiki/api/v2/pages?cursor=x',
      'https://api.atlassian.com/ex/confluence/another/wiki/api/v2/pages?cursor=x',
      'https://user:password@api.atlassian.com/ex/confluence/cloud-1/wiki/api/v2/pages?cursor=x',
      '//evil.test/wiki',
      '/../../../oauth/token',
      'pages?cursor=x',
      '/wiki/api/v2/pages?limit=25',
    ])
      expect(next(link), link).to.equal('elsewhere');
    expect(pathBelow(GATEWAY, '/wiki/../../other/wiki')).to.equal(undefined);
  });

  it('are refused by the client before anything is sent there', async () => {
    const body = { results: [], _links: { next: 'https://evil.test/wiki/api/v2/pages?cursor=x' } };
    const { fetch, sent } = vendorWith({ [`${GATEWAY}/wiki/api/v2/pages`]: { body } });
    const client = createAtlassianClient(wiki);
    const call = { what: 'a list of pages', schema: z.object({ results: z.array(z.unknown()) }) };
    const error = await failureOf(client.page(connectionTo(fetch), GATEWAY, '/wiki/api/v2/pages', call));
    expect(error.kind).to.equal('bad_response');
    expect(sent).to.have.length(1);
  });
});
