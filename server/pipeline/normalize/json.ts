import { createBlockList } from './block-list.ts';
import type { Normalized } from './normalize.ts';
import { normalizeText } from './text.ts';

/**
 * JSON, or JSON Lines, as lines "path.to.key: value", so that a line can be understood alone; the scalars of one object stand together.
 * What cannot be parsed is read as plain text.
 */
export function normalizeJson(text: string): Normalized {
  const values = parseValues(text);
  if (!values) return normalizeText(text);
  const list = createBlockList();
  // A stack of its own: recursion would end at some thousand levels.
  const open: [path: string, value: unknown][] = values
    .map(([path, value]): [string, unknown] => [path, value])
    .reverse();
  let lines: string[] = [];
  const end = () => {
    if (lines.length > 0) list.add({ kind: 'paragraph', text: lines.join('\n') });
    lines = [];
  };
  while (open.length > 0) {
    const [path, value] = open.pop()!;
    if (isScalar(value)) {
      lines.push(path === '' ? print(value) : `${path}: ${print(value)}`);
      continue;
    }
    end();
    const entries = entriesOf(path, value as object);
    if (Array.isArray(value) && value.every(isScalar)) {
      if (value.length > 0) lines.push(`${path === '' ? '' : `${path}: `}${value.map(print).join(', ')}`);
      continue;
    }
    const scalars = entries.filter(([, each]) => isScalar(each) || isFlat(each));
    for (const [key, each] of scalars)
      lines.push(`${key}: ${Array.isArray(each) ? each.map(print).join(', ') : print(each)}`);
    end();
    for (const entry of entries.filter(([, each]) => !isScalar(each) && !isFlat(each)).reverse()) open.push(entry);
  }
  end();
  const title = titleOf(values.length === 1 ? values[0]![1] : undefined);
  return { title, blocks: list.blocks };
}

function parseValues(text: string): [path: string, value: unknown][] | undefined {
  const whole = tryParse(text);
  if (whole !== undefined) return [['', whole]];
  const values: [string, unknown][] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = tryParse(line);
    if (value === undefined) return undefined;
    values.push([`[${at}]`, value]);
  }
  return values.length > 0 ? values : undefined;
}

/** Undefined is no JSON value, so it stands for "not JSON". */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const entriesOf = (path: string, value: object): [string, unknown][] =>
  Array.isArray(value)
    ? value.map((each, at): [string, unknown] => [`${path}[${at}]`, each])
    : Object.entries(value).map(([key, each]): [string, unknown] => [path === '' ? key : `${path}.${key}`, each]);

const isScalar = (value: unknown): boolean => value === null || typeof value !== 'object';
const isFlat = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.every(isScalar) && value.length <= 50;
const print = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const titleOf = (value: unknown): string | undefined => {
  const title: unknown = value && typeof value === 'object' && 'title' in value ? value.title : undefined;
  return typeof title === 'string' ? title : undefined;
};
