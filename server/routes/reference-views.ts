import { openPath } from '../api/openapi.ts';
import type { Call } from '../api/call.ts';
import type { ReferenceFile } from './reference.ts';

export type ReferenceViews = {
  'reference/index': {
    groups: { name: string; anchor: string; calls: ReferenceCall[] }[];
    /** Address of a file of Swagger UI. */
    file: (name: ReferenceFile) => string;
  };
};

/** One call as a person reads it. */
type ReferenceCall = { method: string; path: string; about: string; notes?: string; forAdmins: boolean };

/** The calls in their groups, in the order in which they are described. */
export function toGroups(calls: Call[]): ReferenceViews['reference/index']['groups'] {
  return [...new Set(calls.map(({ group }) => group))].map((name) => ({
    name,
    anchor: name.toLowerCase().replaceAll(/\W+/g, '-'),
    calls: calls
      .filter(({ group }) => group === name)
      .map(({ method, path, about, notes, forAdmins = false }) => ({
        method: method.toUpperCase(),
        path: `/api/v1${openPath(path)}`,
        about,
        notes: notes?.replaceAll('`', ''),
        forAdmins,
      })),
  }));
}
