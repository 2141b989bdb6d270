import { directionOf, sendSingle, type AddCall, type Asked } from './sandbox-asked.ts';
import { idRank, sendPage } from './sandbox-paging.ts';
import { choiceOf, idOf, idsOf, valuesOf } from './sandbox-parameters.ts';
import { notFound } from './sandbox-refusal.ts';
import type { ConfluenceSpace } from './sandbox-state.ts';
import { spaceWire } from './sandbox-wire.ts';

const SCOPE = 'read:space:confluence';
const TYPES = [
  'global',
  'collaboration',
  'knowledge_base',
  'personal',
  'system',
  'onboarding',
  'xflow_sample_space',
] as const;

export function addSpaceCalls(add: AddCall): void {
  add('/spaces', SCOPE, sendSpaces);
  add('/spaces/:id', SCOPE, (asked) => sendSingle(asked, spaceWire(spaceOf(asked))));
}

/** Errors: Refusal 400, 404. */
export function spaceOf({ req, view }: Asked): ConfluenceSpace {
  const id = idOf('id', String(req.params.id));
  const space = view.spaces.find((candidate) => candidate.id === id);
  if (!space) throw notFound();
  return space;
}

/** Archived ones too, unless somebody says otherwise. */
function sendSpaces(asked: Asked): void {
  const { req, res, view } = asked;
  const [ids, keys] = [idsOf(req, 'ids', 250), valuesOf(req, 'keys')];
  const type = choiceOf(req, 'type', TYPES);
  const status = choiceOf(req, 'status', ['current', 'archived', 'trashed']);
  const sort = choiceOf(req, 'sort', ['id', '-id', 'key', '-key', 'name', '-name']) ?? 'id';
  const by = sort.replace(/^-/, '') as 'id' | 'key' | 'name';
  sendPage(req, res, asked, {
    results: view.spaces.filter(
      (space) =>
        (ids.length === 0 || ids.includes(space.id)) &&
        (keys.length === 0 || keys.includes(space.key)) &&
        (type === undefined || space.type === type) &&
        (status === undefined || space.status === status),
    ),
    rankOf: (space) => [by === 'id' ? '' : space[by].toLowerCase(), idRank(space.id)],
    direction: directionOf(sort),
    toWire: (space) => ({ ...spaceWire(space), currentActiveAlias: space.key }),
  });
}
