import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import { accountLabel, plural, platformLabel } from '../format.ts';
import type { FieldError } from '../forms/form.ts';
import { encodeItem } from '../forms/selection-form.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { BrowsePage, BrowseRoots } from '../services/browse-service.ts';
import type { Integration } from '../services/integration-service.ts';
import type { BasketItem } from '../session.ts';
import { render } from '../views.ts';
import { failureOf } from './browse-failure.ts';
import type { Place } from './browse-place.ts';
import { coverNote, iconOf, toRow } from './browse-rows.ts';
import { orderOf, sortHeads, sortItems } from './browse-sort.ts';
import { failedBranch, toBranch, trailBranch } from './browse-tree.ts';
import type { BasketPanel, BrowseRow, BrowseSection, BrowseViews, TreeAccount, TreeBranch } from './browse-views.ts';
import { filterPanel, importChoices } from './import-choices.ts';

/** What is wrong with what was sent, and what was ticked in it. */
export type Problem = { status: number; errors: FieldError[]; ticked: BasketItem[] };

/** The pages of the browser: all accounts' roots, or one place of one account, with the tree on the left and the selection on the right. */
export function createBrowsePage(context: Context) {
  const { browse, documents, integrations, providers } = context;
  const labelOf = (integration: Integration): string => platformLabel(context.definitions, integration.platform);

  const toSection = (integration: Integration, rows: BrowseRow[]): BrowseSection => ({
    id: integration.id,
    platform: integration.platform,
    label: labelOf(integration),
    account: accountLabel(integration),
    href: paths.browse({ integration: integration.id }),
    rows,
  });

  /** What is selected, without the items of accounts that are gone. */
  const basketPanel = async (req: Request): Promise<BasketPanel> => {
    const user = currentUser(req);
    const [accounts, categories] = await Promise.all([integrations.list(user), documents.categories(user)]);
    const rows = (req.session.basket ?? []).flatMap((item) => {
      const integration = accounts.find((account) => account.id === item.integrationId);
      if (!integration) return [];
      const account = accountLabel(integration);
      return [
        { value: encodeItem(item), name: item.name, icon: iconOf(item), platform: integration.platform, account },
      ];
    });
    if (req.session.basket && rows.length < req.session.basket.length)
      req.session.basket = req.session.basket.filter((item) => accounts.some(({ id }) => id === item.integrationId));
    const connected = context.definitions.filter(({ id }) => accounts.some(({ platform }) => platform === id));
    return {
      rows,
      count: plural(rows.length, 'item'),
      categories,
      choices: importChoices(connected, req.session.importChoices),
      filters: filterPanel(req.session.importChoices?.filters),
    };
  };

  /** A page's own part. `below`: what the tree shows below the account named `shown`, or below each. */
  type Shown = Omit<BrowseViews['browse/index'], 'basket' | 'here' | 'tree'> & { branches: Map<string, TreeBranch> };

  const toTree = async (req: Request, place: Place, branches: Shown['branches']): Promise<TreeAccount[]> => {
    const all = await integrations.list(currentUser(req));
    return all.map((integration) => ({
      platform: integration.platform,
      label: labelOf(integration),
      several: all.filter(({ platform }) => platform === integration.platform).length > 1,
      account: accountLabel(integration),
      href: paths.browse({ integration: integration.id }),
      current: integration.id === place.integration && (place.ref ?? 'root') === 'root',
      below: branches.get(integration.id),
    }));
  };

  const showTop = async (req: Request, selected: BasketItem[]): Promise<Shown> => {
    const roots = await browse.roots(currentUser(req));
    const failed = ({ integration, error }: BrowseRoots, place: Place) =>
      error === undefined ? undefined : failureOf(integration, error, undefined, place);
    return {
      heading: 'Browse',
      top: true,
      trail: [],
      inFile: false,
      // The branch of a late account is left to browse.js, which waits for it beside the page.
      branches: new Map(
        roots
          .filter(({ isLate }) => !isLate)
          .map((one) => {
            const { id } = one.integration;
            const failure = failed(one, { integration: id });
            return [id, failure ? failedBranch(failure) : toBranch(id, undefined, one)];
          }),
      ),
      sections: roots.map((one) => ({
        ...toSection(
          one.integration,
          one.items.map((item) => toRow(one.integration.id, item, { selected, covered: false, folder: '', here: {} })),
        ),
        failure: failed(one, one.isLate ? { integration: one.integration.id } : {}),
      })),
    };
  };

  const showAccount = async (req: Request, id: string, place: Place, selected: BasketItem[]): Promise<Shown> => {
    const user = currentUser(req);
    const integration = await integrations.get(user, id);
    const account = { integration: id, sort: place.sort };
    const name = `${labelOf(integration)} (${accountLabel(integration)})`;
    const inFolder = place.ref !== undefined && place.ref !== 'root';
    const trail: Shown['trail'] = [
      { name: 'All accounts', href: paths.browse() },
      { name, href: inFolder || place.q ? paths.browse(account) : undefined },
    ];
    const provider = providers.get(integration.platform);
    const search = provider?.search ? { integrationId: id, label: labelOf(integration), q: place.q ?? '' } : undefined;
    let page: BrowsePage;
    try {
      page = await browse.list(user, id, { ref: place.ref, query: place.q, cursor: place.cursor });
    } catch (error) {
      // The account is there, so what failed is the vendor's answer: that is part of this page. Mistakes of ours are not.
      if (!(error instanceof AppError)) throw error;
      const failure = failureOf(integration, error.message, error.code, place);
      if (inFolder) trail.push({ name: 'This folder' });
      return {
        heading: labelOf(integration),
        top: false,
        trail,
        inFile: false,
        branches: new Map(inFolder || place.q ? [] : [[id, failedBranch(failure)]]),
        sections: [{ ...toSection(integration, []), failure }],
        search,
      };
    }
    if (place.q) trail.push({ name: `Search for “${place.q}”` });
    else
      page.breadcrumbs.forEach(({ ref, name: folder }, index) =>
        trail.push({
          name: folder,
          href: index < page.breadcrumbs.length - 1 ? paths.browse({ ...account, ref }) : undefined,
        }),
      );
    const above = page.breadcrumbs.filter(({ ref }) =>
      selected.some((item) => item.integrationId === id && item.ref === ref),
    );
    const inFile = page.breadcrumbs.at(-1)?.kind === 'file';
    const covered = !inFile && above.some(({ kind }) => kind === 'folder');
    const inParts = page.next !== undefined || place.cursor !== undefined;
    // A later page of a long folder holds some of its places only.
    const below = place.q || place.cursor ? undefined : toBranch(id, inFolder ? place.ref : undefined, page);
    const branch = trailBranch(id, page.breadcrumbs, below);
    const folder = place.q ? undefined : page.breadcrumbs.map((crumb) => crumb.name).join('/');
    return {
      // At the account's own level the trail names it already, with its address.
      heading: trail.length > 2 ? (trail.at(-1)?.name ?? name) : labelOf(integration),
      top: false,
      trail,
      inFile,
      sections: [
        toSection(
          integration,
          sortItems(page.items, place.sort).map((item) => toRow(id, item, { selected, covered, folder, here: place })),
        ),
      ],
      branches: new Map(branch ? [[id, branch]] : []),
      search,
      heads: page.items.length > 0 ? sortHeads(place) : undefined,
      sortNote: inParts && orderOf(place.sort) ? sortNote(labelOf(integration)) : undefined,
      nextHref: page.next === undefined ? undefined : paths.browse({ ...place, cursor: page.next }),
      coverNote: coverNote(above, inFile),
    };
  };

  const show = async (req: Request, res: Response, place: Place, problem?: Problem): Promise<void> => {
    const basket = await basketPanel(req);
    const selected = problem?.ticked ?? req.session.basket ?? [];
    const shown = place.integration
      ? await showAccount(req, place.integration, place, selected)
      : await showTop(req, selected);
    if (problem) res.status(problem.status);
    const { branches, ...page } = shown;
    const { category, filters } = req.session.importChoices ?? {};
    render(res, 'browse/index', {
      title: shown.heading,
      section: 'browse',
      ...page,
      tree: await toTree(req, place, branches),
      basket,
      here: paths.browse(place),
      errors: problem?.errors,
      values: { category: category ?? '', ...filters, types: '' },
    });
  };

  return { show, basketPanel };
}

const sortNote = (label: string): string =>
  `${label} gives this list in parts, in an order of its own. Sorted is what this page shows; the pages before and after it are not mixed in.`;
