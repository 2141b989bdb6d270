import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A text in code style: inline, or a line of a fenced block. `at` names file and line. */
export type Span = { text: string; at: string; inline: boolean };
/** `target` as it stands in the link. */
export type Link = { target: string; at: string };
export type Page = {
  name: string;
  spans: Span[];
  links: Link[];
  headings: string[];
  tables: { header: string[]; rows: string[][] }[];
};

/** One Markdown file, taken apart. `name` is its path from the root. */
export function readPage(name: string): Page {
  const page: Page = { name, spans: [], links: [], headings: [], tables: [] };
  let fenced = false;
  let table: Page['tables'][number] | undefined;
  for (const [index, line] of readFileSync(path.join(root, name), 'utf8').split('\n').entries()) {
    const at = `${name}:${index + 1}`;
    if (/^\s*```/.test(line)) {
      fenced = !fenced;
      continue;
    }
    if (fenced) {
      page.spans.push({ text: line.trim(), at, inline: false });
      continue;
    }
    for (const [, text = ''] of line.matchAll(/`([^`]+)`/g)) page.spans.push({ text, at, inline: true });
    const plain = line.replace(/`[^`]*`/g, '');
    for (const [, target = ''] of plain.matchAll(/\]\(([^)\s]+)\)/g)) page.links.push({ target, at });
    const heading = /^#{1,6} (.*)/.exec(line)?.[1];
    if (heading !== undefined) page.headings.push(heading);
    if (!/^\s*\|/.test(line)) table = undefined;
    else if (!table) page.tables.push((table = { header: cellsOf(line), rows: [] }));
    else if (!/^\s*\|[\s|:-]+$/.test(line)) table.rows.push(cellsOf(line));
  }
  return page;
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());

/** A heading's anchor, as GitHub makes it. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

/** Every file of the project, by its path from the root; what is installed or made is left out. */
export function projectFiles(folder = ''): string[] {
  const left = new Set(['node_modules', 'dist', 'data', 'coverage', '.git']);
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return left.has(entry.name) ? [] : projectFiles(name);
    return [name];
  });
}

/** The texts that stand in quotes in a TypeScript file; what is filled in is `\0`. */
export function literalsOf(name: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) found.push(node.text);
    if (ts.isTemplateExpression(node))
      found.push([node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('\0'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, readFileSync(path.join(root, name), 'utf8'), ts.ScriptTarget.Latest));
  return found;
}
