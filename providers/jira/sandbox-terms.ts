/** What issues of the stand-in may be; JQL knows no other words, and sorts by the order they stand in here. */
export const STATUSES = ['To Do', 'In Progress', 'Waiting', 'Done'] as const;
export const TYPES = ['Epic', 'Story', 'Task', 'Bug', 'Service request', 'Incident', 'Sub-task'] as const;
export const PRIORITIES = ['Highest', 'High', 'Medium', 'Low', 'Lowest'] as const;
export const SHIPS = ['Curlew', 'Sandpiper', 'Greenshank'];

export type StatusName = (typeof STATUSES)[number];
export type TypeName = (typeof TYPES)[number];
export type PriorityName = (typeof PRIORITIES)[number];
export type LinkName = keyof typeof LINKS;

const CATEGORIES = {
  open: { id: 2, key: 'new', colorName: 'blue-gray', name: 'To Do' },
  going: { id: 4, key: 'indeterminate', colorName: 'yellow', name: 'In Progress' },
  done: { id: 3, key: 'done', colorName: 'green', name: 'Done' },
};

export const CATEGORY_NAMES = Object.values(CATEGORIES).map(({ name }) => name);

/** What a status means to boards, whatever it is called. */
export const categoryOf = (name: StatusName): (typeof CATEGORIES)[keyof typeof CATEGORIES] =>
  CATEGORIES[name === 'Done' ? 'done' : name === 'To Do' ? 'open' : 'going'];

/** Kinds of links, as both ends read them. */
export const LINKS = {
  Blocks: { id: '10000', name: 'Blocks', inward: 'is blocked by', outward: 'blocks' },
  Relates: { id: '10003', name: 'Relates', inward: 'relates to', outward: 'relates to' },
};

type Wire = Record<string, unknown>;

export function statusWire(name: StatusName, siteUrl: string): Wire {
  const id = String(10_001 + STATUSES.indexOf(name));
  const category = categoryOf(name);
  return {
    self: `${siteUrl}/rest/api/3/status/${id}`,
    description: '',
    iconUrl: `${siteUrl}/images/icons/statuses/generic.png`,
    name,
    id,
    statusCategory: { self: `${siteUrl}/rest/api/3/statuscategory/${category.id}`, ...category },
  };
}

export function typeWire(name: TypeName, siteUrl: string): Wire {
  const id = String(10_001 + TYPES.indexOf(name));
  const subtask = name === 'Sub-task';
  return {
    self: `${siteUrl}/rest/api/3/issuetype/${id}`,
    id,
    description: '',
    iconUrl: `${siteUrl}/images/icons/issuetypes/${id}.svg`,
    name,
    subtask,
    hierarchyLevel: subtask ? -1 : name === 'Epic' ? 1 : 0,
  };
}

export function priorityWire(name: PriorityName, siteUrl: string): Wire {
  const id = String(1 + PRIORITIES.indexOf(name));
  return {
    self: `${siteUrl}/rest/api/3/priority/${id}`,
    iconUrl: `${siteUrl}/images/icons/priorities/${id}.svg`,
    name,
    id,
  };
}

/** A choice of the custom field "Ship". */
export function shipWire(value: string, siteUrl: string): Wire {
  const id = String(10_020 + SHIPS.indexOf(value));
  return { self: `${siteUrl}/rest/api/3/customFieldOption/${id}`, value, id };
}

/** An entry of the custom field "Sprint"; its number is the one in its name. */
export const sprintWire = (name: string): Wire => ({
  id: Number(/\d+/.exec(name)?.[0] ?? 0),
  name,
  state: 'active',
  boardId: 1,
  goal: '',
});

export const doneWire = (siteUrl: string): Wire => ({
  self: `${siteUrl}/rest/api/3/resolution/10000`,
  id: '10000',
  description: 'Work has been completed on this issue.',
  name: 'Done',
});
