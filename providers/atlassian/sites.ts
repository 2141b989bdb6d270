import { z } from 'zod';
import type { AtlassianConfig } from '../../server/config.ts';
import { ProviderError } from '../errors.ts';
import type { Connection } from '../provider.ts';
import type { AtlassianClient } from './client.ts';
import { SHARED_SCOPES, type Product } from './product.ts';

/** A customer's site that a grant reaches; its address people know ends in no slash. */
export type CloudSite = { cloudId: string; name: string; url: string };

export type Sites = {
  /** The sites with this product that a grant by consent reaches. Errors: ProviderError, `denied` where there is none. */
  list: (connection: Connection) => Promise<CloudSite[]>;
  /**
   * Where the product of a site is asked, without a slash at the end: on the gateway, or where the token of a token connection works. Paths
   * are as on the site: `/wiki/api/v2/pages`, `/rest/api/3/myself`. `cloudId` is that of the ref; refs of token connections name none.
   * Errors: ProviderError `gone` for a ref that is of the other kind of connection.
   */
  baseOf: (connection: Connection, cloudId: string | undefined) => string;
  /** The address of the site that people know, ending in no slash; asked for once. Errors: ProviderError, `gone` where it is out of reach. */
  urlOf: (connection: Connection, cloudId: string | undefined) => Promise<string>;
};

/** Ids of sites, as refs carry them. */
export const CLOUD_ID = /^[\w-]{1,100}$/;

/** Whether a token connection is one of Data Center, whose `apiUrl` is the root of its REST API. */
export const isDataCenter = ({ site }: Connection): boolean => site?.apiUrl.endsWith('/rest') ?? false;

const resources = z.array(
  z.object({
    id: z.string().regex(CLOUD_ID),
    name: z.string(),
    url: z.string(),
    scopes: z.array(z.string()).default([]),
  }),
);

export function createSites(config: AtlassianConfig, product: Product, client: AtlassianClient): Sites {
  const { platform, label, scopes } = product;
  const shared = new Set(SHARED_SCOPES.map(({ scope }) => scope));
  const own = new Set(scopes.map(({ scope }) => scope).filter((scope) => !shared.has(scope)));

  const known = new Map<string, string>();
  const gone = (): ProviderError => new ProviderError('gone', platform, `There is no such item in ${label}.`);

  const list: Sites['list'] = async (connection) => {
    const found = await client.read(connection, `${config.apiUrl}/oauth/token/accessible-resources`, {
      what: 'the list of sites',
      schema: resources,
    });
    // One site may stand there once for each product, and sites of earlier consents are listed too.
    const ofProduct = found.filter((site) => site.scopes.some((scope) => own.has(scope)));
    const sites = new Map(
      ofProduct.map(({ id, name, url }) => [id, { cloudId: id, name, url: url.replace(/\/+$/, '') }]),
    );
    for (const { cloudId, url } of sites.values()) known.set(cloudId, url);
    if (sites.size > 0) return [...sites.values()];
    throw new ProviderError(
      'denied',
      platform,
      `The consent gave access to no site with ${label}. Connect again and choose a site that has it.`,
    );
  };

  return {
    list,

    baseOf({ site }, cloudId) {
      if (site && cloudId === undefined) return site.apiUrl;
      if (!site && cloudId !== undefined) return `${config.apiUrl}/ex/${platform}/${cloudId}`;
      throw gone();
    },

    async urlOf(connection, cloudId) {
      if (connection.site) return connection.site.url;
      const url = known.get(cloudId ?? '') ?? (await list(connection)).find((site) => site.cloudId === cloudId)?.url;
      if (url === undefined) throw gone();
      return url;
    },
  };
}
