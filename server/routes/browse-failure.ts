import { paths } from '../paths.ts';
import type { Integration } from '../services/integration-service.ts';
import type { Place } from './browse-place.ts';
import type { BrowseFailure } from './browse-views.ts';

const DEAD = ['needs_reconnect', 'missing_scope'];

/** Why an account shows nothing, with the link that helps: reconnecting, listing from the start, or trying again. */
export function failureOf(
  integration: Integration,
  message: string,
  code: string | undefined,
  place: Place,
): BrowseFailure {
  if (DEAD.includes(integration.status) || (code !== undefined && DEAD.includes(code)))
    return { message, href: paths.integration(integration.id), label: 'Reconnect' };
  if (code === 'cursor_expired')
    return { message, href: paths.browse({ ...place, cursor: undefined }), label: 'List from the start' };
  return { message, href: paths.browse(place), label: 'Try again' };
}
