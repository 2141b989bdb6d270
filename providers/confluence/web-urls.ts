import { parseUrl } from '../urls.ts';

/** `base` is the address of the site's Confluence for people, `webui` a path below it. */
export type Links = { base?: string | null; webui?: string | null } | null | undefined;

/** The page for people. The base stands in the thing itself, or around it. */
export function webUrlOf(of: Links, around?: Links): string | undefined {
  const base = parseUrl(of?.base ?? around?.base ?? '');
  if (!base || !/^https?:$/.test(base.protocol) || !of?.webui?.startsWith('/')) return undefined;
  return base.href.replace(/\/+$/, '') + of.webui;
}

/** That of an attachment; the versions of the API name different ones. */
export const attachmentUrl = (id: string, containerId: string, around: Links): string | undefined => {
  const preview = `/${containerId}/${id.replace(/^att/, '')}`;
  return webUrlOf({ webui: `/pages/viewpageattachments.action?pageId=${containerId}&preview=${preview}` }, around);
};
