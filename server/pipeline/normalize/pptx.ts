import type { Block } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import type { Normalized } from './normalize.ts';
import { coreTitle, relationsOf } from './ooxml.ts';
import { readLoose } from './loose-text.ts';
import { createShapeReader } from './pptx-shapes.ts';
import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

/**
 * A presentation, slide by slide in the order it is shown: the title (or "Slide 3") as heading, text, tables, diagrams and chart labels, then
 * comments and speaker notes. `page` is the slide's number. Errors: ContentError `corrupt`, `too_large`.
 */
export async function normalizePptx(zip: Zip): Promise<Normalized> {
  const main =
    (await relationsOf(zip, '')).find(({ type }) => type.endsWith('/officeDocument'))?.target ?? 'ppt/presentation.xml';
  const targets = new Map((await relationsOf(zip, main)).map(({ id, target }) => [id, target]));
  const slides: string[] = [];
  await walkXml(zip, main, {
    open(tag) {
      const target = tag.name === 'sldId' ? targets.get(tag.prefixed('id') ?? '') : undefined;
      if (target && zip.has(target)) slides.push(target);
    },
  });
  const list = createBlockList();
  let title: string | undefined;
  for (const [at, part] of slides.entries()) {
    const number = at + 1;
    const place = { page: number, anchor: `Slide ${number}` };
    const slide = await readSlide(zip, part);
    title ??= slide.title;
    list.add({ kind: 'heading', level: 1, text: slide.title ?? `Slide ${number}`, ...place });
    for (const block of slide.blocks) list.add({ ...block, ...place });
  }
  return { title: (await coreTitle(zip).then(usefulTitle)) ?? title, blocks: list.blocks };
}

async function readSlide(zip: Zip, part: string): Promise<{ title?: string; blocks: Block[] }> {
  const blocks: Block[] = [];
  const titles: string[] = [];
  const diagrams: string[] = [];
  const relations = await relationsOf(zip, part);
  const targetOf = (id: string | undefined) => relations.find((relation) => relation.id === id)?.target;
  await walkXml(
    zip,
    part,
    createShapeReader({
      add: (block) => void blocks.push(block),
      onTitle: (text) => void titles.push(text),
      onGraphic(id) {
        const target = targetOf(id);
        if (target && zip.has(target)) diagrams.push(target);
      },
    }),
  );
  for (const diagram of diagrams) blocks.push(...(await readGraphic(zip, diagram)));
  for (const { type, target } of relations)
    if (type.endsWith('/comments') && zip.has(target))
      for (const { text } of await readLoose(zip, target)) blocks.push({ kind: 'paragraph', text: `Comment: ${text}` });
  const notes = relations.find(({ type, target }) => type.endsWith('/notesSlide') && zip.has(target))?.target;
  if (notes) {
    const spoken: Block[] = [];
    await walkXml(zip, notes, createShapeReader({ add: (block) => void spoken.push(block), onTitle: () => {} }));
    blocks.push(
      ...spoken.map((block): Block => ({ ...block, kind: block.kind === 'list-item' ? 'paragraph' : block.kind })),
    );
  }
  const title = titles.join(' ').replace(/\s+/g, ' ').trim();
  return { title: title === '' ? undefined : title, blocks };
}

/** The words of a SmartArt diagram (one block a point) or of a chart: its title, series and categories. */
async function readGraphic(zip: Zip, part: string): Promise<Block[]> {
  if (!/chart/i.test(part)) return readLoose(zip, part);
  const labels = new Set<string>();
  let collected: string | undefined;
  let inStrings = 0;
  await walkXml(zip, part, {
    open({ name }) {
      if (name === 'strCache' || name === 'strLit') inStrings++;
      if (name === 't' || (name === 'v' && inStrings > 0)) collected = '';
    },
    close(name) {
      if (name === 'strCache' || name === 'strLit') inStrings--;
      if ((name === 't' || name === 'v') && collected !== undefined) {
        if (collected.trim() !== '') labels.add(collected.trim());
        collected = undefined;
      }
    },
    text(text) {
      if (collected !== undefined) collected += text;
    },
  });
  return labels.size === 0 ? [] : [{ kind: 'caption', text: [...labels].join(' | ') }];
}

/** PowerPoint writes these when nobody gave a title. */
const usefulTitle = (title: string | undefined): string | undefined =>
  title &&
  !/^(powerpoint[- ]?pr[eä]sentation|présentation powerpoint|slide 1|untitled|title)$/i.test(
    title.replace(/\u00a0/g, ' '),
  )
    ? title
    : undefined;
