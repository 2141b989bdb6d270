import type { Block } from '../normalized.ts';
import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

/** The paragraphs of a part with drawing text: a diagram, a drawing's text boxes, comments of either format. */
export async function readLoose(zip: Zip, part: string): Promise<Block[]> {
  const blocks: Block[] = [];
  let text = '';
  let inText = false;
  await walkXml(zip, part, {
    open({ name }) {
      // Old comments keep their words in p:text, all else in a:t.
      if (name === 't' || name === 'text') inText = true;
    },
    close(name) {
      if (name === 't' || name === 'text') inText = false;
      if (name !== 'p' && name !== 'text') return;
      if (text.trim() !== '') blocks.push({ kind: 'list-item', text: text.trim() });
      text = '';
    },
    text(part) {
      if (inText) text += part;
    },
  });
  return blocks;
}
